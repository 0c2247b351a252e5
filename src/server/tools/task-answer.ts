import { z } from 'zod';
import { isEnded, type TaskRecord, type WebhookDelivery } from '../../engine/task-record.js';
import { pollAfterMs } from '../poll-hint.js';

export const taskRefSchema = z
  .string()
  .min(1)
  .max(200)
  .describe('The task_ref that initiate_background_task returned');

/** Short enough for every proxy that cuts a silent request after 30 s. */
export const MAX_WAIT_SECONDS = 20;

export const waitSecondsSchema = z.number().min(0).max(MAX_WAIT_SECONDS).default(0);

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
  webhook: z
    .object({
      status: z.enum(['pending', 'delivered', 'failed']),
      attempts: z.number().describe('Requests sent so far'),
      last_attempt_at: z.string().optional().describe('ISO 8601'),
      next_attempt_at: z.string().optional().describe('ISO 8601'),
      response_status: z.number().optional().describe('HTTP status of the last answer'),
      error: z.string().optional().describe('Why the last attempt failed'),
    })
    .optional()
    .describe('Where a webhook_url was given: how far its delivery is'),
  input_requests: z
    .record(z.string(), z.object({ method: z.string(), params: z.record(z.string(), z.unknown()) }))
    .optional()
    .describe('While it waits for answers: what it asks, by key, as MCP elicitations'),
  how_to_answer: z
    .string()
    .optional()
    .describe('While it waits for answers: how a person gives them where this client cannot ask'),
  poll_after_ms: z.number().optional().describe('While it runs: milliseconds to wait before asking again'),
});

export function taskAnswer(record: TaskRecord, now: number): z.input<typeof taskAnswerSchema> {
  const { taskRef, status, createdAt, updatedAt, result, error, progress, webhookUrl, delivery } = record;
  return {
    task_ref: taskRef,
    status,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
    result: result ?? null,
    error: error ?? null,
    ...(progress !== undefined && { progress }),
    ...questionFields(record),
    ...(webhookUrl !== undefined && { webhook: webhookAnswer(delivery) }),
    ...(!isEnded(record) && { poll_after_ms: pollAfterMs(record, now) }),
  };
}

/** What a call is answered with that has started a task, or has found it. */
export function taskReference(record: TaskRecord) {
  const { taskRef, status, expiresAt } = record;
  return {
    task_ref: taskRef,
    status: status === 'pending' ? 'queued' : status,
    poll_after_ms: pollAfterMs(record, Date.now()),
    expires_at: new Date(expiresAt).toISOString(),
  } as const;
}

/** What a task asks, for a client whose host may have no way to put it to anybody. */
export function questionFields({ taskRef, inputRequests }: TaskRecord) {
  if (inputRequests === undefined) return {};
  const questions = Object.values(inputRequests).map(({ params }) => JSON.stringify(params.message));
  return {
    input_requests: structuredClone(inputRequests) as never,
    how_to_answer: `The task waits for input: ${questions.join(', ')}. A person answers in a terminal: \`npx mcp-await wait ${taskRef}\`, with \`-- COMMAND\` or \`--url\` of this server unless it is \`mcp-await serve\` without options. Then ask again.`,
  };
}

/** Never the URL: it may hold a secret, and whoever asks has given it. */
function webhookAnswer(
  delivery: WebhookDelivery = { status: 'pending', attempts: 0 },
): z.input<typeof taskAnswerSchema>['webhook'] {
  const { status, attempts, lastAttemptAt, nextAttemptAt, responseStatus, error } = delivery;
  return {
    status,
    attempts,
    ...(lastAttemptAt !== undefined && { last_attempt_at: new Date(lastAttemptAt).toISOString() }),
    ...(nextAttemptAt !== undefined && { next_attempt_at: new Date(nextAttemptAt).toISOString() }),
    ...(responseStatus !== undefined && { response_status: responseStatus }),
    ...(error !== undefined && { error }),
  };
}
