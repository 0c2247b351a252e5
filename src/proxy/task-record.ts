import { McpError } from '@modelcontextprotocol/sdk/types.js';
import { sdkProgressOf } from '../client/sdk/sdk-call-options.js';
import type { TaskRecord } from '../engine/task-record.js';
import { AwaitError } from '../errors.js';
import { outcomeOfResult } from '../protocols/tool-result.js';
import type { TaskError } from '../types.js';
import { relayed } from './call-answer.js';
import type { KnownCall } from './proxy-task.js';

/** As long as the journal keeps calls. */
const KEPT_MS = 30 * 86_400_000;

/** A call as the server's protocols tell tasks. */
export function recordOf(call: KnownCall): TaskRecord {
  const { reference, principal, tool, startedAt, updatedAt, snapshot, end } = call;
  const progress = end === undefined ? sdkProgressOf(snapshot) : undefined;
  return {
    taskRef: reference,
    owner: principal,
    operation: tool,
    parametersDigest: '',
    createdAt: startedAt,
    updatedAt,
    startedAt,
    endedAt: end && updatedAt,
    expiresAt: startedAt + KEPT_MS,
    slaMs: KEPT_MS,
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
