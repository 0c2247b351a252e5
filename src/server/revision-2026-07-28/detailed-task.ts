import type { TaskRecord } from '../../engine/task-record.js';
import type { TaskError, TaskStatus } from '../../types.js';
import { commonFields, mcpStatus } from '../mcp-status.js';
import { pollAfterMs } from '../poll-hint.js';
import { resultOfTask } from '../tools/task-result.js';
import { CODE } from './wire.js';

/** Errors that say that the work could not be done or finished; any other is the work's own answer. */
const BROKEN: readonly string[] = [
  'OPERATION_FAILED',
  'INVALID_OUTPUT',
  'INVALID_RESULT',
  'RESULT_TOO_LARGE',
  'SLA_EXCEEDED',
  'UNKNOWN_OPERATION',
  'WORKER_LOST',
  'WORKER_STOPPED',
];

type Json = Record<string, unknown>;

/** A task without its result (extension io.modelcontextprotocol/tasks, "Task"). */
export function taskFields(record: TaskRecord, now: number, pollIntervalMs = pollAfterMs(record, now)): Json {
  const ttlMs = record.expiresAt - record.createdAt;
  return { ...commonFields(record), status: statusOf(record), ttlMs, pollIntervalMs };
}

/** A task with what it came to (extension io.modelcontextprotocol/tasks, "DetailedTask"). */
export function detailedTask(record: TaskRecord, now: number, pollIntervalMs?: number): Json {
  const fields = taskFields(record, now, pollIntervalMs);
  switch (fields.status) {
    case 'completed':
      return { ...fields, result: { resultType: 'complete', ...resultOfTask(record) } };
    case 'failed':
      return { ...fields, error: jsonRpcError(record.error) };
    case 'input_required':
      return { ...fields, inputRequests: record.inputRequests };
    default:
      return fields;
  }
}

/** `failed` is for calls that broke: a tool error is a result like any other. */
function statusOf(record: TaskRecord): TaskStatus {
  const status = mcpStatus(record);
  return status === 'failed' && !BROKEN.includes(record.error?.code ?? '') ? 'completed' : status;
}

function jsonRpcError(error: Required<TaskError> | undefined): Json {
  return { code: CODE.internal, message: error?.message ?? 'The task failed', data: error };
}
