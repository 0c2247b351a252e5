import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { NotSupportedError } from '../errors.js';
import type { ToolCall } from '../types.js';
import type { Ended, Exchange, Protocol, StartAnswer, ToolPlan } from './protocol.js';
import { refusalOf } from './refusal.js';
import { tasks20251125 } from './tasks-2025-11-25.js';
import { isMarkedIdempotent } from './tool-definition.js';
import { outcomeOfResult, textOf } from './tool-result.js';

/** The server answers the call itself, maybe after a long silence, maybe with progress (spec 2025-11-25, server/tools). */
export const sync: Protocol = {
  name: 'sync',
  plan: (tool: Tool) => ({
    protocol: sync,
    why: 'the server answers the call itself',
    startKind: 'blocking',
    idempotent: isMarkedIdempotent(tool),
    listed: tool,
    hiddenTools: [],
    start,
  }),
  poll: notResumable,
  cancel: notResumable,
};

async function start(call: ToolCall, exchange: Exchange): Promise<Ended> {
  const { port, signal, silenceTimeoutMs, onProgress } = exchange;
  const result: CallToolResult = await port.callTool(call, {
    signal,
    timeoutMs: silenceTimeoutMs,
    onProgress,
  });
  return { kind: 'ended', outcome: outcomeOfResult(result), raw: result };
}

async function notResumable(): Promise<never> {
  throw new NotSupportedError(
    'A synchronous call lives and dies with its request: there is nothing to resume or to cancel apart from it.',
  );
}

/** What servers say of a call that they take as a task only. */
const WANTS_TASK = [
  /taskSupport|task[- ]augment|task-based/i,
  /\b(must|requires?|required|only)\b.{0,40}\bas an? (background )?task\b/i,
];
const MAX_CHARACTERS = 1000;

/** How a tool is awaited that its server takes as a task only, whatever the server declares. */
export function planAsTask(tool: Tool): ToolPlan | undefined {
  const required = { ...tool, execution: { taskSupport: 'required' as const } };
  return tasks20251125.plan(required, { tools: [], nativeTasks: '2025-11-25' });
}

/**
 * The plan of a synchronous tool, which sends the call again as a task where the server wants it so: it has refused the call
 * without looking at it.
 * @param onTask told the plan that has proved to be right
 */
export function asTaskIfRequired(plan: ToolPlan, tool: Tool, onTask: (plan: ToolPlan) => void): ToolPlan {
  return {
    ...plan,
    async start(call, exchange) {
      let began: Began;
      try {
        began = { answer: await plan.start(call, exchange) };
      } catch (error) {
        began = { error };
      }
      const asTask = wantsTask(began) ? planAsTask(tool) : undefined;
      if (asTask === undefined) {
        if ('error' in began) throw began.error;
        return began.answer;
      }
      const answer = await asTask.start(call, exchange);
      onTask(asTask);
      return { ...answer, protocol: asTask.protocol };
    },
  };
}

type Began = { readonly answer: StartAnswer } | { readonly error: unknown };

function wantsTask(began: Began): boolean {
  const text = 'error' in began ? refusalOf(began.error)?.message : failureIn(began.answer);
  const beginning = text?.slice(0, MAX_CHARACTERS) ?? '';
  return beginning !== '' && WANTS_TASK.some(words => words.test(beginning));
}

function failureIn(answer: StartAnswer): string | undefined {
  if (answer.kind !== 'ended' || answer.outcome.status !== 'failed') return undefined;
  const { result } = answer.outcome;
  return result && textOf(result);
}
