import pRetry from 'p-retry';
import type { Engine, EngineOptions, Execute } from '../../engine/engine.js';
import { openEngine } from '../../engine/open-engine.js';
import type { TaskRecord, WebhookDelivery } from '../../engine/task-record.js';
import { newTaskRef } from '../../engine/task-ref.js';

/** The internal operation that is one attempt to deliver one message. No caller can start it. */
export const DELIVER_WEBHOOK = 'deliver_webhook';

/** No principal has this name: a colon is not allowed there. */
const OWNER = 'system:webhooks';
const DAY_MS = 86_400_000;
/** Enough for the wait until the task has ended, for the request and for a store that is busy. */
export const ATTEMPT_SLA_MS = 120_000;
/** How often an attempt is run again whose worker died in it. */
const LOST_RUNS = 20;
/** Some 4 s: a store that is busy may have time by then. */
const TRIES = { retries: 4, minTimeout: 250 };

/** One attempt to tell about the end of a task. */
export interface DeliveryAttempt {
  readonly taskRef: string;
  /** From 1. */
  readonly attempt: number;
  /** How often it was put off because the task had not ended yet. */
  readonly postponed: number;
}

/** Attempts are tasks of the same engine: durable on every engine, and run by whichever worker is there. */
export interface Deliveries {
  /**
   * Queues the first attempt for a task that ends now, if it wants one. Called before the end is stored, so that no
   * crash can lose it; called by several, it is queued once. Never rejects: `onError` is told what went wrong.
   */
  announce(record: TaskRecord, signal?: AbortSignal): Promise<void>;
  /** Queues a later attempt, once. @throws what the store throws, after some tries */
  queue(attempt: DeliveryAttempt, delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Notes how far the delivery is. @throws what the store throws, after some tries */
  record(taskRef: string, delivery: WebhookDelivery, signal: AbortSignal): Promise<void>;
  /** Resolves when nothing that was announced is still being queued. */
  settled(): Promise<void>;
}

export function createDeliveries(engine: Engine, onError: (error: unknown) => void = () => {}): Deliveries {
  const announcing = new Set<Promise<void>>();
  const queue: Deliveries['queue'] = async (parameters, delayMs, signal) => {
    const { taskRef, attempt, postponed } = parameters;
    const task = {
      taskRef: newTaskRef(DELIVER_WEBHOOK),
      owner: OWNER,
      operation: DELIVER_WEBHOOK,
      parameters,
      idempotencyKey: [taskRef, attempt, ...(postponed > 0 ? [postponed] : [])].join(':'),
      slaMs: ATTEMPT_SLA_MS,
      // As long as somebody else may see the same end.
      ttlMs: delayMs + DAY_MS,
      retryAttempts: LOST_RUNS,
      delayMs,
    };
    await pRetry(() => engine.submit(task), { ...TRIES, ...(signal && { signal }) });
  };
  return {
    queue,
    announce(record, signal) {
      if (record.webhookUrl === undefined) return Promise.resolve();
      const { taskRef } = record;
      const done = queue({ taskRef, attempt: 1, postponed: 0 }, 0, signal)
        .catch(cause => {
          // An abort means that the task has ended otherwise, which is announced by whoever ended it.
          if (signal?.aborted === true) return;
          onError(new Error(`The webhook of ${taskRef} could not be queued: ${messageOf(cause)}`, { cause }));
        })
        .finally(() => announcing.delete(done));
      announcing.add(done);
      return done;
    },
    record: (taskRef, delivery, signal) =>
      pRetry(() => engine.recordDelivery(taskRef, delivery), { ...TRIES, signal }),
    async settled() {
      await Promise.all(announcing);
    },
  };
}

/** `execute`, with the end of every task announced before the engine stores it. */
export function announcingExecute(execute: Execute, deliveries: Deliveries): Execute {
  return async (task, context) => {
    const execution = await execute(task, context);
    // Where the signal has aborted, the task was cancelled, or the engine ends it or runs it again: both are told there.
    if (!context.signal.aborted) await deliveries.announce(task.record, context.signal);
    return execution;
  };
}

export interface AnnouncingEngine {
  readonly engine: Engine;
  readonly deliveries: Deliveries;
}

/**
 * An engine whose tasks are announced also where they were lost with their worker.
 * @throws ConfigurationError when the store cannot be opened
 */
export async function openAnnouncingEngine(
  store: string,
  options: EngineOptions,
  onError?: (error: unknown) => void,
): Promise<AnnouncingEngine> {
  // An engine may find lost tasks while it opens.
  const early: TaskRecord[] = [];
  let announce = (record: TaskRecord) => void early.push(record);
  const engine = await openEngine(store, { ...options, onLost: record => announce(record) });
  const deliveries = createDeliveries(engine, onError);
  announce = record => {
    options.onLost?.(record);
    void deliveries.announce(record);
  };
  early.forEach(announce);
  return { engine, deliveries };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
