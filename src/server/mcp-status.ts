import type { TaskRecord } from '../engine/task-record.js';
import type { TaskStatus } from '../types.js';

/** Where a task stands, in MCP's words. */
export function mcpStatus({ status, inputRequests }: TaskRecord): TaskStatus {
  if (inputRequests !== undefined) return 'input_required';
  switch (status) {
    case 'pending':
    case 'processing':
      return 'working';
    case 'completed':
    case 'failed':
    case 'cancelled':
      return status;
  }
}

/** What every revision tells of a task by the same names. */
export function commonFields(record: TaskRecord) {
  const { taskRef, createdAt, updatedAt } = record;
  const statusMessage = taskMessage(record);
  return {
    taskId: taskRef,
    ...(statusMessage !== undefined && { statusMessage }),
    createdAt: new Date(createdAt).toISOString(),
    lastUpdatedAt: new Date(updatedAt).toISOString(),
  };
}

/** A sentence about where a task stands; undefined where there is nothing to say beyond its status. */
export function taskMessage({ error, progress }: TaskRecord): string | undefined {
  if (error !== undefined) return `${error.code}: ${error.message}`;
  if (progress === undefined) return undefined;
  if (progress.message !== undefined) return progress.message;
  if (progress.total === 1) return `${Math.round(progress.progress * 100)} %`;
  return progress.total === undefined ? `${progress.progress}` : `${progress.progress} of ${progress.total}`;
}
