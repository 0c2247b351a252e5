import { McpError } from '@modelcontextprotocol/sdk/types.js';
import { sdkProgressOf } from '../client/sdk/sdk-call-options.js';
import type { WaitForEndOptions } from '../engine/engine.js';
import { hasChanged } from '../engine/record-change.js';
import { LIST_LIMIT, type TaskPage, toListQuery, toPage } from '../engine/task-list.js';
import { isEnded, type TaskRecord } from '../engine/task-record.js';
import { AwaitError } from '../errors.js';
import { outcomeOfResult } from '../protocols/tool-result.js';
import { checkAnswers } from '../server/input-answers.js';
import { createLook } from '../server/poll-hint.js';
import { createTaskFeed, type TaskFeed } from '../server/task-feed.js';
import type { EndWait, TaskAnswers } from '../server/task-service.js';
import { ToolFailure } from '../server/tool-failure.js';
import { neverAborts } from '../time/signals.js';
import type { TaskError } from '../types.js';
import { relayed } from './call-answer.js';
import type { KnownCall, ProxyTask } from './proxy-task.js';
import type { ProxyTasks } from './proxy-tasks.js';
import type { Upstream } from './upstream.js';

/** As long as the journal keeps calls. */
const KEPT_SECONDS = 30 * 86_400;
/** How long an upstream may take to stop. */
const CANCEL_WITHIN_MS = 5000;

export interface AnsweredTasks {
  readonly tasks: ProxyTasks;
  /** Whether callers can be told apart, so that each may list its own calls. */
  readonly listsTasks: boolean;
}

/** Calls as the tasks of hosts that speak MCP's own, in either revision. */
export function taskAnswers(
  { tasks, listsTasks }: AnsweredTasks,
  upstreams: () => readonly Upstream[],
): TaskAnswers {
  const found = async (principal: string, reference: string): Promise<ProxyTask> => {
    const task = await tasks.find(principal, reference, upstreams());
    if (task !== undefined) return task;
    throw new ToolFailure('TASK_NOT_FOUND', `The task ${reference} was not found or has expired`);
  };
  async function resolve(
    principal: string,
    reference: string,
    { waitMs: limitMs, signal }: EndWait,
  ): Promise<TaskRecord> {
    const task = await found(principal, reference);
    const { questions = {} } = task;
    const asksMore = () => Object.keys(task.questions ?? {}).some(key => !Object.hasOwn(questions, key));
    await task.until(() => task.end !== undefined || asksMore(), { limitMs, signal });
    // Whoever knows of the end fetches the result, and may do so again.
    if (task.end !== undefined) task.acknowledge();
    return recordOf(task);
  }

  async function list(principal: string, cursor: string | undefined): Promise<TaskPage> {
    const query = toListQuery({ owner: principal, limit: LIST_LIMIT, cursor });
    return toPage(query, (await tasks.list(principal, upstreams())).map(recordOf));
  }

  return {
    ...(listsTasks && { list }),
    ttlBounds: [1, KEPT_SECONDS],
    resolve,
    look: createLook(resolve),
    async answer(principal, reference, responses) {
      const task = await found(principal, reference);
      task.answer(checkAnswers(task.questions ?? {}, responses));
      return recordOf(task);
    },
    async cancel(principal, reference) {
      const task = await found(principal, reference);
      task.cancel();
      await task.watch({ limitMs: CANCEL_WITHIN_MS, signal: neverAborts });
      return recordOf(task);
    },
  };
}

/** Tells of changes of calls that are under way in this process. */
export function taskFeed(tasks: ProxyTasks): TaskFeed {
  return createTaskFeed({
    waitForEnd: (reference, limits) => waitFor(reference, limits, isEnded),
    waitForChange: (reference, { known, ...limits }) =>
      waitFor(reference, limits, record => hasChanged(known, record)),
  });

  async function waitFor(
    reference: string,
    { timeoutMs: limitMs, signal = neverAborts }: WaitForEndOptions,
    isWanted: (record: TaskRecord) => boolean,
  ): Promise<TaskRecord | undefined> {
    const task = tasks.here(reference);
    if (task === undefined) return undefined;
    await task.until(() => isWanted(recordOf(task)), { limitMs, signal });
    return recordOf(task);
  }
}

/** A call as the server's protocols tell tasks. */
export function recordOf(call: KnownCall): TaskRecord {
  const { reference, principal, tool, startedAt, updatedAt, snapshot, end } = call;
  const progress = end === undefined ? sdkProgressOf(snapshot) : undefined;
  const keptMs = KEPT_SECONDS * 1000;
  return {
    taskRef: reference,
    owner: principal,
    operation: tool,
    parametersDigest: '',
    createdAt: startedAt,
    updatedAt,
    startedAt,
    endedAt: end && updatedAt,
    expiresAt: startedAt + keptMs,
    slaMs: keptMs,
    runCount: 1,
    retryAttempts: 0,
    excusedRuns: 0,
    inputRequests: call.questions,
    waitedMs: 0,
    webhookUrl: undefined,
    delivery: undefined,
    // That it is working is what the status says.
    progress: progress?.message === 'working' ? undefined : progress,
    ...endOf(call),
  };
}

function endOf({ end, isCancelled, snapshot }: KnownCall): Pick<TaskRecord, 'status' | 'result' | 'error'> {
  if (isCancelled || (end !== undefined && snapshot.status === 'cancelled')) {
    return { status: 'cancelled', result: undefined, error: errorOf('CANCELLED', 'The task was cancelled') };
  }
  if (end === undefined) return { status: 'processing', result: undefined, error: undefined };
  if ('error' in end) return { status: 'failed', result: undefined, error: failureOf(end.error) };
  const outcome = outcomeOfResult(end.result);
  if (outcome.status === 'completed') return { status: 'completed', result: end.result, error: undefined };
  const { code, message, retryable } = outcome.error;
  return { status: 'failed', result: end.result, error: errorOf(code, message, retryable) };
}

/** A call that broke is one to both revisions of tasks, whatever broke it. */
function failureOf(error: unknown): Required<TaskError> {
  if (error instanceof AwaitError) return errorOf('OPERATION_FAILED', `${error.code}: ${error.message}`);
  const told = relayed(error);
  const message = told instanceof Error ? told.message : 'The call failed';
  return errorOf('OPERATION_FAILED', error instanceof McpError ? `${error.code}: ${message}` : message);
}

function errorOf(code: string, message: string, retryable = false): Required<TaskError> {
  return { code, message, retryable };
}
