import { digestJson } from '../storage/canonical-json.js';
import type { Progress, TaskError } from '../types.js';
import { DEFAULT_INPUT_TIMEOUT_MS } from './engine-defaults.js';
import { type InputRequest, type Questions, waitsUntil } from './question.js';

/** The server's status words (DESIGN: `resolve_task_status`). */
export type RecordStatus = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';

/** What a front asks an engine to store and to run. */
export interface NewTask {
  /** As `newTaskRef` makes it for the operation. */
  readonly taskRef: string;
  /** The principal that the task belongs to. */
  readonly owner: string;
  readonly operation: string;
  /** Any JSON value; the operation's input after its schema has parsed it. */
  readonly parameters: unknown;
  /** The same owner, operation and key name one task. */
  readonly idempotencyKey?: string | undefined;
  /** Longest run time in milliseconds, counted from the moment a worker starts it. */
  readonly slaMs: number;
  /** How long the record is kept, in milliseconds: from when it may be run on, and again from the task's end. */
  readonly ttlMs: number;
  /** How many times a run that was lost or stopped with its worker is followed by another, from the start. @default 0 */
  readonly retryAttempts?: number | undefined;
  /** Not run before so many milliseconds have passed. @default 0 */
  readonly delayMs?: number | undefined;
  /** How long the task may wait for answers in all, in milliseconds; that time is no part of `slaMs`. @default 86400000 (24 h) */
  readonly inputTimeoutMs?: number | undefined;
  /** Refused where the owner has so many tasks that have not ended. @default no limit */
  readonly maxUnfinished?: number | undefined;
  /** Where the end of the task is to be told; kept with the record, delivered by the server. */
  readonly webhookUrl?: string | undefined;
}

/** How far the delivery of a task's webhook is. Times are milliseconds since the epoch. */
export interface WebhookDelivery {
  readonly status: 'pending' | 'delivered' | 'failed';
  /** Requests sent so far. */
  readonly attempts: number;
  readonly lastAttemptAt?: number | undefined;
  readonly nextAttemptAt?: number | undefined;
  /** HTTP status of the last answer. */
  readonly responseStatus?: number | undefined;
  /** Why the last attempt failed. */
  readonly error?: string | undefined;
}

/** One row, the only source of truth about a task. Times are milliseconds since the epoch. */
export interface TaskRecord {
  readonly taskRef: string;
  readonly owner: string;
  readonly operation: string;
  readonly status: RecordStatus;
  /** SHA-256 of the canonical JSON of the parameters, hexadecimal. */
  readonly parametersDigest: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Of the present or last run; undefined while the task is pending, also before it is run again. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly expiresAt: number;
  readonly slaMs: number;
  /** How many times a worker has started it. */
  readonly runCount: number;
  /** As it was submitted, so that whichever worker runs the task knows it. */
  readonly retryAttempts: number;
  /** How many of its runs do not count for that: they waited for an answer when they were lost or stopped. */
  readonly excusedRuns: number;
  /** The questions that wait for an answer, by key, while the task is `processing`, or `pending` because its run was lost. */
  readonly inputRequests: Readonly<Record<string, InputRequest>> | undefined;
  /** How long the present or last run has waited for answers; a wait that lasts does not count yet. */
  readonly waitedMs: number;
  readonly webhookUrl: string | undefined;
  readonly delivery: WebhookDelivery | undefined;
  readonly progress: Progress | undefined;
  /** Any JSON value; set when `completed`. */
  readonly result: unknown;
  /** Set when `failed` or `cancelled`. */
  readonly error: Required<TaskError> | undefined;
}

export function isEnded(record: Pick<TaskRecord, 'status'>): boolean {
  switch (record.status) {
    case 'pending':
    case 'processing':
      return false;
    case 'completed':
    case 'failed':
    case 'cancelled':
      return true;
  }
}

/** A task that is taken in: its record, as it is before anything has happened to it, and what a store keeps beside. */
export function newStoredTask(task: NewTask, createdAt: number) {
  const delayMs = Math.max(0, Math.ceil(task.delayMs ?? 0));
  const ttlMs = Math.ceil(task.ttlMs);
  const record: TaskRecord = {
    taskRef: task.taskRef,
    owner: task.owner,
    operation: task.operation,
    status: 'pending',
    parametersDigest: digestJson(task.parameters),
    createdAt,
    updatedAt: createdAt,
    startedAt: undefined,
    endedAt: undefined,
    expiresAt: createdAt + delayMs + ttlMs,
    slaMs: Math.ceil(task.slaMs),
    runCount: 0,
    retryAttempts: task.retryAttempts ?? 0,
    excusedRuns: 0,
    inputRequests: undefined,
    waitedMs: 0,
    webhookUrl: task.webhookUrl,
    delivery: undefined,
    progress: undefined,
    result: undefined,
    error: undefined,
  };
  const inputTimeoutMs = Math.ceil(task.inputTimeoutMs ?? DEFAULT_INPUT_TIMEOUT_MS);
  return { record, ttlMs, delayMs, inputTimeoutMs, parameters: JSON.stringify(task.parameters) ?? 'null' };
}

/** What becomes of a task whose run is over before it has ended: it waits for another; undefined where it has had its last. */
export function backInQueue(
  { runCount, excusedRuns, retryAttempts }: Pick<TaskRecord, 'runCount' | 'excusedRuns' | 'retryAttempts'>,
  questions: Questions,
  { now, ttlMs }: { readonly now: number; readonly ttlMs: number },
) {
  // A run that waits for an answer counts for nothing.
  const isExcused = (waitsUntil(questions) ?? 0) > now;
  if (runCount - excusedRuns > retryAttempts && !isExcused) return undefined;
  return {
    status: 'pending',
    startedAt: undefined,
    progress: undefined,
    waitedMs: 0,
    updatedAt: now,
    expiresAt: now + ttlMs,
    excusedRuns: excusedRuns + Number(isExcused),
  } as const;
}
