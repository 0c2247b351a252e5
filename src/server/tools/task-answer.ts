import { z } from 'zod';
import { isEnded, type TaskRecord } from '../../engine/task-record.js';
import { pollAfterMs } from '../poll-hint.js';

export const taskRefSchema = z
  .string()
  .min(1)
  .max(200)
  .describe('The task_ref that initiate_background_task returned');

/** What `resolve_task_status` and `cancel_background_task` answer. */
export const taskAnswerSchema = z.object({
  task_ref: z.string(),
  status: z.enum(['pending', 'processing', 'completed', 'failed', 'cancelled']),
  created_at: z.string().describe('ISO 8601'),
  updated_at: z.string().describe('ISO 8601'),
  result: z.unknown().describe("The operation's result once completed, else null"),
  error: z
    .object({ code: z.string(), message: z.string(), retryable: z.boolean() })
    .nullable()
    .describe('Why the task failed or was cancelled, else null'),
  progress: z
    .object({ progress: z.number(), total: z.number().optional(), message: z.string().optional() })
    .optional()
    .describe('How far the work is'),
  poll_after_ms: z.number().optional().describe('While it runs: milliseconds to wait before asking again'),
});

export function taskAnswer(record: TaskRecord, now: number): z.input<typeof taskAnswerSchema> {
  const { taskRef, status, createdAt, updatedAt, result, error, progress } = record;
  return {
    task_ref: taskRef,
    status,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
    result: result ?? null,
    error: error ?? null,
    ...(progress !== undefined && { progress }),
    ...(!isEnded(record) && { poll_after_ms: pollAfterMs(now - createdAt) }),
  };
}
