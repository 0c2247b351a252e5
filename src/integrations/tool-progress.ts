import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { AgentTool } from '../index.js';
import { ChangeNotice } from '../time/change-notice.js';
import { linkSignals } from '../time/signals.js';
import { isEndStatus, type Snapshot, type TaskStatus } from '../types.js';

/** How a running tool stands, for whoever watches the agent. */
export interface ToolProgress {
  readonly type: 'tool-progress';
  readonly tool: string;
  readonly toolCallId: string | undefined;
  readonly status: TaskStatus;
  readonly progress?: number;
  readonly total?: number;
  readonly message?: string;
}

/** The progress that a snapshot tells; undefined for the end, which comes as the result. */
export function toolProgress(
  tool: string,
  toolCallId: string | undefined,
  { status, message, progress }: Snapshot,
): ToolProgress | undefined {
  if (isEndStatus(status)) return undefined;
  return {
    type: 'tool-progress',
    tool,
    toolCallId,
    status,
    ...(message !== undefined && { message }),
    ...progress,
  };
}

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
  using link = linkSignals(signal);
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
    link.abort(new Error('The reader has left'));
  }
}
