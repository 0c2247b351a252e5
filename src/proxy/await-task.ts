import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { answerOf } from './call-answer.js';
import type { HostWatch, ProxyTask } from './proxy-task.js';
import type { ProxyTasks } from './proxy-tasks.js';
import { AWAIT_TOOL, type RunningCall, stillRunning, toldOf, waitingForInput } from './still-running.js';
import type { Upstream } from './upstream.js';

const MAX_REFERENCES = 100;
/** Most calls of earlier sessions that the tool's description names. */
const MAX_NAMED = 5;

const awaitTool = {
  name: AWAIT_TOOL,
  title: 'Go on waiting for a task',
  description:
    'Goes on waiting for a call of another tool that was answered with a reference because it takes long, and returns the final result of that call. With several references: returns with the first that ends. Without a reference: lists the calls whose results nobody has had yet.',
  inputSchema: {
    type: 'object',
    properties: {
      reference: { type: 'string', description: 'As the answer to the call gave it.' },
      references: {
        type: 'array',
        items: { type: 'string' },
        maxItems: MAX_REFERENCES,
        description: 'Instead of `reference`: several, of which the first that ends is answered.',
      },
    },
  },
  annotations: { readOnlyHint: true, openWorldHint: false },
  // Claude Code keeps tools behind a search: this one is named by answers, and has to be there then.
  _meta: { 'anthropic/alwaysLoad': true },
} satisfies Tool;

/**
 * The tool by which a host goes on with a call. Its description offers the results of earlier sessions, since no host asks
 * for what it does not know of.
 * @param earlier the calls of earlier sessions whose results nobody has had
 */
export function awaitToolFor(earlier: readonly RunningCall[]): Tool {
  if (earlier.length === 0) return awaitTool;
  const named = earlier
    .slice(-MAX_NAMED)
    .map(({ tool, reference, snapshot }) => `\`${tool}\` (${snapshot.status}): ${reference}`);
  const description = `${awaitTool.description} Calls of earlier sessions whose results nobody has had: ${named.join('; ')}.`;
  return { ...awaitTool, description };
}

/** How long a host waits for an answer, and what it hears meanwhile. */
export interface AnswerOptions extends HostWatch {
  readonly tasks: ProxyTasks;
  /** Whether a result that is sent now reaches the host. */
  readonly isListening?: (() => boolean) | undefined;
}

export interface AwaitTaskOptions extends AnswerOptions {
  readonly principal: string;
  readonly upstreams: readonly Upstream[];
}

/** The answer to a call of `await_task`, whichever revision of MCP the host speaks. */
export async function awaitTask(
  { reference, references }: Readonly<Record<string, unknown>>,
  options: AwaitTaskOptions,
): Promise<CallToolResult> {
  const { tasks, principal, upstreams } = options;
  const asked = [reference, ...(Array.isArray(references) ? references.slice(0, MAX_REFERENCES) : [])];
  const wanted = [...new Set(asked.filter(each => each !== undefined && each !== '').map(String))];
  if (wanted.length === 0) return listOfCalls(await tasks.list(principal, upstreams));
  const found = await Promise.all(wanted.map(each => tasks.find(principal, each, upstreams)));
  const missing = wanted.filter((_, index) => found[index] === undefined);
  if (missing.length > 0) return notFound(missing);
  return answerWithin(
    found.filter(task => task !== undefined),
    options,
  );
}

/** Waits for the first of these calls to end, and gives its result; or tells how they stand when the time is up before. */
export async function answerWithin(
  waited: readonly ProxyTask[],
  { tasks, isListening = () => true, ...watch }: AnswerOptions,
): Promise<CallToolResult> {
  const ended = await firstEnded(waited, watch);
  if (ended?.end === undefined) return stillRunning(waited);
  if (isListening()) tasks.delivered(ended);
  if (ended.unanswered !== undefined) return waitingForInput(ended, waited);
  const answer = answerOf(ended.end);
  const others = waited.filter(task => task !== ended);
  if (others.length === 0) return answer;
  const text = `\`${ended.tool}\` (${ended.reference}) has ended; what follows is its result. Go on waiting for the others: ${AWAIT_TOOL} with ${JSON.stringify({ references: others.map(task => task.reference) })}.`;
  return { ...answer, content: [{ type: 'text', text }, ...answer.content] };
}

async function firstEnded(
  waited: readonly ProxyTask[],
  { signal, ...watch }: HostWatch,
): Promise<ProxyTask | undefined> {
  const decided = new AbortController();
  const either = AbortSignal.any([signal, decided.signal]);
  try {
    return await Promise.race(
      waited.map(async task =>
        (await task.watch({ ...watch, signal: either })) === undefined ? undefined : task,
      ),
    );
  } finally {
    decided.abort();
  }
}

function notFound(references: readonly string[]): CallToolResult {
  const names = references.map(reference => JSON.stringify(reference.slice(0, 100))).join(', ');
  const text = `There is no call with the reference ${names}: it is wrong or has expired. Call \`${AWAIT_TOOL}\` without a reference for those that there are.`;
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
      : `Call \`${AWAIT_TOOL}\` with the reference of one of these, or with the \`references\` of several: ${JSON.stringify(tasks)}`;
  return { content: [{ type: 'text', text }], structuredContent: { tasks } };
}
