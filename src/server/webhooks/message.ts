import { createHash } from 'node:crypto';
import type { Webhook } from 'standardwebhooks';
import type { TaskRecord } from '../../engine/task-record.js';
import { taskAnswer } from '../tools/task-answer.js';

/** Standard Webhooks advise small payloads; a receiver can fetch a larger result with resolve_task_status. */
const LARGEST_BODY_BYTES = 256 * 1024;

/** What a receiver is told about the end of a task: the same in every attempt. */
export interface WebhookMessage {
  /** The same for every attempt, so that a receiver can tell a repetition. */
  readonly id: string;
  readonly body: string;
}

/** The message about a task that has ended. */
export function webhookMessage(record: TaskRecord): WebhookMessage {
  // The reference names the task to whoever holds it; an identifier that ends up in logs should not.
  const id = `msg_${createHash('sha256').update(record.taskRef).digest('hex').slice(0, 32)}`;
  // How far this very message has come is left out: it differs from attempt to attempt.
  const data = taskAnswer({ ...record, webhookUrl: undefined }, record.updatedAt);
  const event = {
    type: `task.${record.status}`,
    timestamp: new Date(record.endedAt ?? record.updatedAt).toISOString(),
    data,
  };
  const body = JSON.stringify(event);
  if (Buffer.byteLength(body) <= LARGEST_BODY_BYTES) return { id, body };
  return { id, body: JSON.stringify({ ...event, data: { ...data, result: null, result_omitted: true } }) };
}

/** The headers of one attempt (Standard Webhooks 1.0.0); every key signs. */
export function signedHeaders(
  { id, body }: WebhookMessage,
  keys: readonly Webhook[],
  now: number,
): Readonly<Record<string, string>> {
  const sentAt = new Date(now);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now / 1000)),
    'webhook-signature': keys.map(key => key.sign(id, sentAt, body)).join(' '),
  };
}
