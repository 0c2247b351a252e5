import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { Snapshot } from '../types.js';

/** The one tool of this proxy's own. */
export const AWAIT_TOOL = 'await_task';

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
};

/** A call as the host is told of it while it goes on. */
export interface RunningCall {
  readonly reference: string;
  /** As the host knows it. */
  readonly tool: string;
  readonly snapshot: Pick<Snapshot, 'status' | 'message' | 'notices'>;
  readonly startedAt: number;
}

/** What a host gets just before it would give up: where the call stands, and how to go on. */
export function stillRunning(call: RunningCall): CallToolResult {
  const { reference, tool, snapshot } = call;
  const state = snapshot.message === undefined ? '' : ` (${snapshot.message})`;
  const odd = (snapshot.notices ?? []).map(notice => `${notice} `).join('');
  const text = `\`${tool}\` is still running${state}. ${odd}Nothing is lost: call \`${AWAIT_TOOL}\` with {"reference":"${reference}"} to go on waiting for its result. Do not call \`${tool}\` again for it.`;
  return {
    content: [{ type: 'text', text }],
    structuredContent: {
      ...toldOf(call),
      next: { tool: AWAIT_TOOL, arguments: { reference } },
    },
  };
}

/** Calls that a host may go on with. */
export function listOfCalls(calls: readonly RunningCall[]): CallToolResult {
  const tasks = calls.map(toldOf);
  const text =
    tasks.length === 0
      ? 'There is no call whose result is still to be had.'
      : `Call \`${AWAIT_TOOL}\` with the reference of one of these: ${JSON.stringify(tasks)}`;
  return { content: [{ type: 'text', text }], structuredContent: { tasks } };
}

function toldOf({ reference, tool, snapshot, startedAt }: RunningCall) {
  const { status, message, notices } = snapshot;
  return {
    status,
    reference,
    tool,
    started_at: new Date(startedAt).toISOString(),
    ...(message !== undefined && { message }),
    ...(notices && { notices }),
  };
}
