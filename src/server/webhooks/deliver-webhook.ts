import { lookup as lookupName } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { z } from 'zod';
import type { Engine } from '../../engine/engine.js';
import { isEnded, type TaskRecord } from '../../engine/task-record.js';
import { defineOperation, OperationError } from '../operation.js';
import { ATTEMPT_SLA_MS, DELIVER_WEBHOOK, type Deliveries, type DeliveryAttempt } from './deliveries.js';
import { destinationRefusal } from './destination.js';
import { signedHeaders, webhookMessage } from './message.js';
import { type PostResult, postMessage } from './post-message.js';
import { RETRY_DELAYS_MS, retryDelayMs } from './retry-schedule.js';
import type { WebhookSettings } from './webhook-options.js';

const TIMEOUT_MS = 10_000;
/** An attempt is queued before the end is stored, which mostly takes a moment. */
const WAIT_FOR_END_MS = 5000;
const SHORTEST_POSTPONE_MS = 5000;
const LONGEST_POSTPONE_MS = 60_000;

export interface DeliverWebhookOptions {
  readonly engine: Engine;
  readonly deliveries: Deliveries;
  readonly settings: WebhookSettings;
  /** Waits after each failed attempt. @default as Standard Webhooks suggest */
  readonly delaysMs?: readonly number[] | undefined;
  /** @default 10000 */
  readonly timeoutMs?: number | undefined;
  /** @default 5000 */
  readonly waitForEndMs?: number | undefined;
  /** How names become addresses. @default `dns.lookup` */
  readonly lookup?: LookupFunction | undefined;
}

/** One attempt; it queues the next one where it fails. A worker that dies in it has it run again, with the same id. */
export function deliverWebhook(options: DeliverWebhookOptions) {
  const { engine, deliveries, delaysMs = RETRY_DELAYS_MS, waitForEndMs = WAIT_FOR_END_MS } = options;
  return defineOperation({
    name: DELIVER_WEBHOOK,
    description: 'Tells a webhook about the end of a task.',
    input: z.object({ taskRef: z.string(), attempt: z.number(), postponed: z.number() }),
    slaSeconds: ATTEMPT_SLA_MS / 1000,
    async run(current: DeliveryAttempt, { signal }) {
      const { taskRef, attempt } = current;
      const record = await engine.waitForEnd(taskRef, { timeoutMs: waitForEndMs, signal });
      if (record?.webhookUrl === undefined || isSettled(record, attempt)) return { outcome: 'nothing to do' };
      if (!isEnded(record)) {
        const postponed = current.postponed + 1;
        const delayMs = Math.min(SHORTEST_POSTPONE_MS * 2 ** current.postponed, LONGEST_POSTPONE_MS);
        await deliveries.queue({ taskRef, attempt, postponed }, delayMs, signal);
        return { outcome: 'postponed' };
      }
      const result = await send(record, record.webhookUrl, options, signal);
      const now = Date.now();
      const sent = { attempts: attempt, lastAttemptAt: now, responseStatus: result.responseStatus };
      if (result.status === 'delivered') {
        await deliveries.record(taskRef, { status: 'delivered', ...sent }, signal);
        return { outcome: 'delivered', response_status: result.responseStatus };
      }
      const { error, retryable, retryAfterMs } = result;
      const delayMs = retryable
        ? retryDelayMs({ attempt, delaysMs, retryAfterMs, random: Math.random() })
        : undefined;
      if (delayMs === undefined) {
        await deliveries.record(taskRef, { status: 'failed', ...sent, error }, signal);
      } else {
        // First queued, then recorded: what is recorded is not sent again.
        await deliveries.queue({ taskRef, attempt: attempt + 1, postponed: 0 }, delayMs, signal);
        const nextAttemptAt = now + delayMs;
        await deliveries.record(taskRef, { status: 'pending', ...sent, nextAttemptAt, error }, signal);
      }
      // The next attempt is a task of its own; this one is over, and not to be run again.
      throw new OperationError('WEBHOOK_NOT_DELIVERED', error);
    },
  });
}

/** Whether this attempt has been made already, by a worker that died after it. */
function isSettled({ delivery }: TaskRecord, attempt: number): boolean {
  return delivery !== undefined && (delivery.status !== 'pending' || delivery.attempts >= attempt);
}

async function send(
  record: TaskRecord,
  webhookUrl: string,
  { settings, timeoutMs = TIMEOUT_MS, lookup = lookupName }: DeliverWebhookOptions,
  signal: AbortSignal,
): Promise<PostResult> {
  const { keys, policy } = settings;
  // The operator may have changed the policy since the task was accepted.
  const refusal = destinationRefusal(webhookUrl, policy);
  if (refusal !== undefined) return { status: 'failed', error: refusal, retryable: false };
  const message = webhookMessage(record);
  return postMessage({
    url: new URL(webhookUrl),
    headers: signedHeaders(message, keys, Date.now()),
    body: message.body,
    allowPrivate: policy.allowPrivate,
    lookup,
    timeoutMs,
    signal,
  });
}
