import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { ProxyTask } from './proxy-task.js';
import type { ProxyTasks } from './proxy-tasks.js';
import { AWAIT_TOOL, type RunningCall, toldOf } from './still-running.js';
import type { Upstream } from './upstream.js';

export const awaitTool: Tool = {
  name: AWAIT_TOOL,
  title: 'Go on waiting for a task',
  description:
    'Goes on waiting for a call of another tool that was answered with a reference because it takes long, and returns the final result of that call. Without a reference: lists the calls whose results nobody has had yet.',
  inputSchema: {
    type: 'object',
    properties: {
      reference: { type: 'string', description: 'As the answer to the call gave it.' },
    },
  },
  annotations: { readOnlyHint: true, openWorldHint: false },
  // Claude Code keeps tools behind a search: this one is named by answers, and has to be there then.
  _meta: { 'anthropic/alwaysLoad': true },
};

export interface AwaitTaskOptions {
  readonly tasks: ProxyTasks;
  readonly principal: string;
  readonly upstreams: readonly Upstream[];
  /** Waits for the end of a call, as long as the host does. */
  readonly answer: (task: ProxyTask) => Promise<CallToolResult>;
}

/** The answer to a call of `awaitTool`, whichever revision of MCP the host speaks. */
export async function awaitTask(
  { reference }: Readonly<Record<string, unknown>>,
  { tasks, principal, upstreams, answer }: AwaitTaskOptions,
): Promise<CallToolResult> {
  if (reference === undefined || reference === '') return listOfCalls(await tasks.list(principal, upstreams));
  const task = await tasks.find(principal, String(reference), upstreams);
  if (task !== undefined) return answer(task);
  const text = `There is no call with the reference ${JSON.stringify(String(reference).slice(0, 100))}: it is wrong or has expired. Call \`${AWAIT_TOOL}\` without a reference for those that there are.`;
  return {
    isError: true,
    content: [{ type: 'text', text }],
    structuredContent: { error: { code: 'TASK_NOT_FOUND', message: text } },
  };
}

/** Calls that a host may go on with. */
function listOfCalls(calls: readonly RunningCall[]): CallToolResult {
  const tasks = calls.map(toldOf);
  const text =
    tasks.length === 0
      ? 'There is no call whose result is still to be had.'
      : `Call \`${AWAIT_TOOL}\` with the reference of one of these: ${JSON.stringify(tasks)}`;
  return { content: [{ type: 'text', text }], structuredContent: { tasks } };
}
