import { hash } from 'node:crypto';
import { lookup as lookupName } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import type { Engine } from '../../engine/engine.js';
import { isEnded, type TaskRecord } from '../../engine/task-record.js';
import { parseRetryAfter } from '../../http-headers.js';
import { formatDuration } from '../../time/duration.js';
import { linkSignals } from '../../time/signals.js';
import { startTimer } from '../../time/sleep.js';
import { VERSION } from '../../version.js';
import { defineOperation, OperationError } from '../operation.js';
import { causeCode, causes, type GuardedRequest, guardedFetch } from '../outbound/guarded-fetch.js';
import { taskAnswer } from '../tools/task-answer.js';
import { ATTEMPT_SLA_MS, DELIVER_WEBHOOK, type Deliveries, type DeliveryAttempt } from './deliveries.js';
import { destinationRefusal, privateRefusal } from './destination.js';
import type { WebhookSettings } from './webhook-options.js';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The waits after each attempt that failed, as Standard Webhooks suggests them: eight attempts within some 18 hours. */
export const RETRY_DELAYS_MS: readonly number[] = [
  5 * SECOND_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
];

/** No receiver puts us off for longer. */
const MAX_WISH_MS = 10 * HOUR_MS;
/** Up to so much of a wait is added to it, so that many messages to one receiver that was down come spread out. */
const JITTER = 0.2;

interface RetryFacts {
  /** The number of the attempt that failed, from 1. */
  readonly attempt: number;
  readonly delaysMs: readonly number[];
  /** How long the receiver has asked to wait. */
  readonly retryAfterMs: number | undefined;
  /** From 0 to 1. */
  readonly random: number;
}

/** How long to wait for the next attempt; undefined when there is none. */
export function retryDelayMs({
  attempt,
  delaysMs,
  retryAfterMs = 0,
  random,
}: RetryFacts): number | undefined {
  const planned = delaysMs[attempt - 1];
  if (planned === undefined) return undefined;
  const wished = Math.min(retryAfterMs, MAX_WISH_MS);
  return Math.round(Math.max(planned, wished) * (1 + JITTER * random));
}

/** Standard Webhooks advise small payloads; a receiver can fetch a larger result with resolve_task_status. */
const MAX_BODY_BYTES = 256 * 1024;

/** What a receiver is told about the end of a task: the same in every attempt. */
interface WebhookMessage {
  /** The same for every attempt, so that a receiver can tell a repetition. */
  readonly id: string;
  readonly body: string;
}

const TIMEOUT_MS = 10_000;

/** An attempt is queued before the end is stored, which mostly takes a moment. */
const WAIT_FOR_END_MS = 5000;

const MIN_POSTPONE_MS = 5000;

const MAX_POSTPONE_MS = 60_000;

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
        const delayMs = Math.min(MIN_POSTPONE_MS * 2 ** current.postponed, MAX_POSTPONE_MS);
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
  const post: GuardedRequest = {
    url: new URL(webhookUrl),
    method: 'POST',
    headers: {
      ...signedHeaders(message, keys),
      'content-type': 'application/json',
      'user-agent': `mcp-await/${VERSION}`,
    },
    body: message.body,
    publicOnly: !policy.allowPrivate,
    lookup,
    refuse: (hostname, range) => new DestinationRefused(privateRefusal(hostname, range)),
  };
  return postMessage(post, { timeoutMs, signal });
}

/** The message about a task that has ended. */
function webhookMessage(record: TaskRecord): WebhookMessage {
  // The reference names the task to whoever holds it; an identifier that ends up in logs should not.
  const id = `msg_${hash('sha256', record.taskRef).slice(0, 32)}`;
  // How far this very message has come is left out: it differs from attempt to attempt.
  const data = taskAnswer({ ...record, webhookUrl: undefined }, record.updatedAt);
  const event = {
    type: `task.${record.status}`,
    timestamp: new Date(record.endedAt ?? record.updatedAt).toISOString(),
    data,
  };
  const body = JSON.stringify(event);
  if (Buffer.byteLength(body) <= MAX_BODY_BYTES) return { id, body };
  return { id, body: JSON.stringify({ ...event, data: { ...data, result: null, result_omitted: true } }) };
}

/** The headers of one attempt (Standard Webhooks 1.0.0); every key signs. */
function signedHeaders({ id, body }: WebhookMessage, keys: readonly Webhook[]) {
  const sentAt = new Date();
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
    'webhook-signature': keys.map(key => key.sign(id, sentAt, body)).join(' '),
  };
}

type PostResult =
  | { readonly status: 'delivered'; readonly responseStatus: number }
  | {
      readonly status: 'failed';
      readonly responseStatus?: number;
      /** Names the host, never path or query. */
      readonly error: string;
      /** Whether another attempt makes sense. */
      readonly retryable: boolean;
      readonly retryAfterMs?: number | undefined;
    };

/**
 * Sends one message; `timeoutMs` is for the whole request, to the status of its answer. Anything but a 2xx answer is a
 * failure, a redirect too; the body of the answer is not read.
 * @throws the signal's reason when it aborts
 */
async function postMessage(
  request: GuardedRequest,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<PostResult> {
  const { url } = request;
  const timeout = new AbortController();
  const stopTimer = startTimer(timeoutMs, () => timeout.abort());
  using linked = linkSignals(signal, timeout.signal);
  try {
    const { ok, status, headers } = await guardedFetch(
      { ...request, signal: linked.signal },
      async response => response,
    );
    if (ok) return { status: 'delivered', responseStatus: status };
    return {
      status: 'failed',
      responseStatus: status,
      error: `${url.host} answered with status ${status}`,
      // Standard Webhooks 1.0.0: with 410 Gone the receiver asks for no more.
      retryable: status !== 410,
      retryAfterMs: parseRetryAfter(headers.get('retry-after'), Date.now()),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.signal.aborted) {
      const message = `${url.host} did not answer within ${formatDuration(timeoutMs)}`;
      return { status: 'failed', error: message, retryable: true };
    }
    const refused = causes(error).find(cause => cause instanceof DestinationRefused);
    if (refused instanceof DestinationRefused) {
      return { status: 'failed', error: refused.message, retryable: false };
    }
    return { status: 'failed', error: `${url.host} was not reached: ${causeCode(error)}`, retryable: true };
  } finally {
    stopTimer();
  }
}

class DestinationRefused extends Error {}
