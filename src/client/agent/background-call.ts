import { randomUUID } from 'node:crypto';
import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { textOf } from '../../protocols/tool-result.js';
import { atMost, TimeLimitError } from '../../time/at-most.js';
import { linkSignals } from '../../time/signals.js';
import type { ToolCall } from '../../types.js';
import type { CallOptions } from '../options.js';
import type { TaskHandle } from '../task-handle.js';
import { resultOfError } from './readable-error.js';

/** A call that ends within this time is answered at once. */
const SOON_MS = 1000;

/** What became of a call that went on in the background. */
export interface BackgroundResult {
  /** The id under which the model knows the call. */
  readonly id: string;
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** As `AwaitClient.callTool` gives it; a call that could not be awaited to its end is one with `isError: true`. */
  readonly result: CallToolResult;
  /** The id and the text of the result, for a message to the model. */
  readonly message: string;
}

/** Added to the description of a tool whose calls go on in the background. */
const BACKGROUND_NOTE =
  'Long work goes on in the background: this call then returns an id at once, and the result is given to you by itself when it is there. Do not poll, do not wait and do not call again for it; go on with other work.';

export interface BackgroundCallOptions {
  readonly start: (call: ToolCall, options: CallOptions) => Promise<TaskHandle>;
  readonly deliver: (result: BackgroundResult) => void;
}

/**
 * Starts a call and returns its result if it comes soon, else a handle for the model, and delivers the result later.
 * The caller's signal ends the call until its handle is out, and no longer.
 */
export async function callInBackground(
  call: ToolCall,
  options: CallOptions,
  { start, deliver }: BackgroundCallOptions,
): Promise<CallToolResult> {
  using link = linkSignals(options.signal);
  const task = await start(call, { ...options, signal: link.signal });
  const ended = task.result();
  const end = await atMost(ended, SOON_MS).catch(unlessTooLate);
  if (end !== undefined) return end;
  const id = randomUUID().slice(0, 8);
  const { name: tool, arguments: args = {} } = call;
  ended.catch(resultOfError).then(result => {
    const message = `The result of ${tool} (${id})${result.isError ? ', which failed' : ''}:\n${textOf(result)}`;
    deliver({ id, tool, arguments: args, result, message });
  });
  return {
    content: [
      {
        type: 'text',
        text: `${tool} goes on in the background as ${id}. Its result will be given to you when it is there: do not poll, and do not call it again for this.`,
      },
    ],
    structuredContent: { status: 'working', id },
  };
}

function unlessTooLate(error: unknown): undefined {
  if (!(error instanceof TimeLimitError)) throw error;
}

/** The tool as it is to be shown to a model whose calls of it go on in the background. */
export function inBackground({ outputSchema: _replaced, ...tool }: Tool): Tool {
  const description = tool.description?.replace(/This call waits for the task[^\n]*/, '').trimEnd();
  return { ...tool, description: [description, BACKGROUND_NOTE].filter(Boolean).join('\n\n') };
}
