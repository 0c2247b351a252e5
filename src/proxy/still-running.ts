import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { InputRequiredError } from '../errors.js';
import type { Snapshot } from '../types.js';

/** The one tool of this proxy's own. */
export const AWAIT_TOOL = 'await_task';

/** A call as the host is told of it while it goes on. */
export interface RunningCall {
  readonly reference: string;
  /** As the host knows it. */
  readonly tool: string;
  readonly snapshot: Pick<Snapshot, 'status' | 'message' | 'notices'>;
  readonly startedAt: number;
}

/** What a host gets just before it would give up: where its calls stand, and how to go on. */
export function stillRunning(calls: readonly RunningCall[]): CallToolResult {
  const [call, ...others] = calls;
  if (call !== undefined && others.length === 0) return oneStillRunning(call);
  const references = calls.map(({ reference }) => reference);
  const text = `None of these ${calls.length} calls has ended. Nothing is lost: call \`${AWAIT_TOOL}\` with ${JSON.stringify({ references })} to go on waiting for the first result. Do not call their tools again for it.`;
  return {
    content: [{ type: 'text', text }],
    structuredContent: { tasks: calls.map(toldOf), next: { tool: AWAIT_TOOL, arguments: { references } } },
  };
}

function oneStillRunning(call: RunningCall): CallToolResult {
  const { reference, tool, snapshot } = call;
  const state = snapshot.message === undefined ? '' : ` (${snapshot.message})`;
  const odd = (snapshot.notices ?? []).map(notice => `${notice} `).join('');
  const text = `\`${tool}\` is still running${state}. ${odd}Nothing is lost: call \`${AWAIT_TOOL}\` with {"reference":"${reference}"} to go on waiting for its result. Do not call \`${tool}\` again for it.`;
  return {
    content: [{ type: 'text', text }],
    structuredContent: { ...toldOf(call), next: { tool: AWAIT_TOOL, arguments: { reference } } },
  };
}

/** A call that asks what its host can put to nobody. */
export interface AskingCall extends RunningCall {
  readonly unanswered: InputRequiredError | undefined;
  /** As `mcp-await wait` takes it. */
  readonly journalId: string | undefined;
}

/** What a host gets that cannot ask a person: what a call asks, who can answer, and how to go on then. */
export function waitingForInput(call: AskingCall, waited: readonly RunningCall[]): CallToolResult {
  const { tool, journalId, unanswered } = call;
  const questions = unanswered?.questions ?? [];
  const messages = questions.map(({ params }) => JSON.stringify(params.message ?? params));
  const references = waited.map(({ reference }) => reference);
  const next = references.length === 1 ? { reference: call.reference } : { references };
  const text = `\`${tool}\` waits for input, which this host cannot ask for: ${messages.join(', ')}. A person answers in a terminal: \`npx mcp-await wait ${journalId}\`. Then call \`${AWAIT_TOOL}\` with ${JSON.stringify(next)} for the result. Do not call \`${tool}\` again for it.`;
  return {
    content: [{ type: 'text', text }],
    structuredContent: {
      ...toldOf(call),
      status: 'input_required',
      questions,
      next: { tool: AWAIT_TOOL, arguments: next },
    },
  };
}

/** A call in the structured content of an answer. */
export function toldOf({ reference, tool, snapshot, startedAt }: RunningCall) {
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
