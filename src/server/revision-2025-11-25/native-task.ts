import type { Task } from '@modelcontextprotocol/sdk/types.js';
import type { TaskRecord } from '../../engine/task-record.js';
import { commonFields, mcpStatus } from '../mcp-status.js';
import { pollAfterMs } from '../poll-hint.js';

/** Names the task that a message belongs to (spec 2025-11-25, basic/utilities/tasks, "Related Task Metadata"). */
export function relatedTask(taskRef: string): Record<string, unknown> {
  return { 'io.modelcontextprotocol/related-task': { taskId: taskRef } };
}

/** A task as this protocol tells it (spec 2025-11-25, basic/utilities/tasks, "Task"). */
export function nativeTask(record: TaskRecord, now: number, pollInterval = pollAfterMs(record, now)): Task {
  const ttl = record.expiresAt - record.createdAt;
  return { ...commonFields(record), status: mcpStatus(record), ttl, pollInterval };
}
