import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { AgentTool } from '../index.js';
import { ChangeNotice } from '../time/change-notice.js';
import { linkSignals } from '../time/signals.js';
import { type ToolProgress, toolProgress } from './tool-progress.js';

export interface ProgressCall {
  readonly args: Readonly<Record<string, unknown>>;
  readonly toolCallId: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * Calls a tool, yields how far it is and returns its result. A reader who is slower than the tool gets the latest progress;
 * one who leaves ends the wait.
 */
export async function* callWithProgress(
  tool: AgentTool,
  { args, toolCallId, signal }: ProgressCall,
): AsyncGenerator<ToolProgress, CallToolResult, void> {
  const left = new AbortController();
  using link = linkSignals(signal, left.signal);
  const changed = new ChangeNotice();
  let latest: ToolProgress | undefined;
  const ended = tool.call(args, {
    signal: link.signal,
    onUpdate(snapshot) {
      latest = toolProgress(tool.name, toolCallId, snapshot);
      changed.announce();
    },
  });
  // Nobody hears of the end once the reader has left.
  ended.catch(() => {});
  try {
    for (;;) {
      const next = changed.next;
      if (latest !== undefined) {
        const progress = latest;
        latest = undefined;
        yield progress;
      } else {
        const end = await Promise.race([ended, next]);
        if (end !== undefined) return end;
      }
    }
  } finally {
    left.abort();
  }
}
