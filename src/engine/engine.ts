import type { Progress, TaskError } from '../types.js';
import type { OperationStats } from './operation-stats.js';
import type { InputResponse, OpenQuestion, Responses } from './question.js';
import type { ListOptions, TaskPage } from './task-list.js';
import type { NewTask, TaskRecord, WebhookDelivery } from './task-record.js';

/**
 * Where tasks live and who runs them. Every engine passes `test/engine/conformance.ts`.
 *
 * Obligations of every engine:
 * - `submit` returns only after the record is durable: a kill -9 right after it loses nothing.
 * - Terminal is final. Nothing that comes later (result, progress, cancel) changes an ended record.
 * - A task runs at most once, and `retryAttempts` times more where it allows that. One whose worker died becomes
 *   `failed` with `WORKER_LOST` within the lease. Where `runCount` is at most `retryAttempts` it becomes `pending`
 *   instead, without `startedAt` and progress; its time to live begins anew.
 * - A run may ask. Question and answer are durable before anybody hears of them; each key is answered once, the first
 *   answer counts, and it wakes the run in whichever process within a second. A run that waits for an answer takes no
 *   place of its worker. Lost or stopped meanwhile, it counts for nothing: the task is run again, also where
 *   `retryAttempts` is 0, and what it asks again word for word at the same place has the answer that was given. That
 *   ends with the time that the task may wait for answers. An ended record has no questions.
 * - An expired record is as if it had never been, from the millisecond on, also before a sweeper removes it. That
 *   bounds a queued task that nobody ran, too; a task that runs does not expire.
 * - Owners take turns: of two that have tasks in the queue, neither is served much more than the other, however many
 *   each has submitted, and each one's tasks begin in their order. An owner takes no more than its share of a worker's
 *   places, and its tasks that wait for one hold up nobody else's.
 * - A clock that jumps, or a machine that slept, fails no task of a living worker.
 */
export interface Engine {
  /**
   * Stores and queues a task. With an idempotency key that its owner has used for the operation already, nothing
   * is stored: the answer is the earlier record and `created: false`, also for concurrent calls and after a restart.
   * @throws TooManyTasksError where the owner has `maxUnfinished` tasks; an engine that several processes share may count
   * what each has taken in
   */
  submit(task: NewTask): Promise<Submission>;

  /** The record, or undefined when there is none or it has expired. */
  find(taskRef: string): Promise<TaskRecord | undefined>;

  /**
   * The record as soon as the task has ended, whichever process ended it; at the latest after `timeoutMs` as it then is.
   * @throws the signal's reason when it aborts.
   */
  waitForEnd(taskRef: string, options: WaitForEndOptions): Promise<TaskRecord | undefined>;

  /**
   * The record as soon as its status, its open questions or its progress differ from `known`, whichever process changed
   * them; at once where the task has ended, and at the latest after `timeoutMs` as it then is. Changes that follow each other closely may be told as one.
   * @throws the signal's reason when it aborts.
   */
  waitForChange(taskRef: string, options: WaitForChangeOptions): Promise<TaskRecord | undefined>;

  /**
   * Stores answers to questions of a task, by key; what is unknown or answered is left alone. The answer is the record
   * as it is then.
   */
  answer(taskRef: string, responses: Responses): Promise<TaskRecord | undefined>;

  /**
   * Makes a task that has not ended `cancelled`, at once; a worker that runs it, in whichever process, sees its
   * signal abort within a second. Of an ended task it just returns the record.
   */
  cancel(taskRef: string): Promise<TaskRecord | undefined>;

  /**
   * Starts running queued tasks of the named operations in this process, the oldest of each owner first; an engine has one worker
   * at most. It keeps the process alive only while a task runs.
   */
  startWorker(options: WorkerOptions): EngineWorker;

  /** Keeps how far the delivery of a task's webhook is, also of one that has ended; nothing when there is no record. */
  recordDelivery(taskRef: string, delivery: WebhookDelivery): Promise<void>;

  /**
   * How the tasks stand, by operation in alphabetical order. Of tasks that have ended, those of the last `windowMs`
   * milliseconds count for durations and the failure rate.
   */
  stats(windowMs: number): Promise<readonly OperationStats[]>;

  /**
   * A page of the tasks that the filters leave, the newest first. Whoever follows the cursors to their end sees every task that
   * was there at the first page once, whatever is submitted meanwhile; what has expired is in no page.
   * @throws InvalidCursorError for a cursor that no engine has made
   */
  list(options: ListOptions): Promise<TaskPage>;

  /** Ends all waits, stops what this process still runs as `drain(0)` does, and releases everything. */
  close(): Promise<void>;
}

export interface Submission {
  readonly record: TaskRecord;
  readonly created: boolean;
}

export interface WaitForEndOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface WaitForChangeOptions extends WaitForEndOptions {
  /** The record as the caller knows it. */
  readonly known: TaskRecord;
}

export interface WorkerOptions {
  readonly execute: Execute;
  /** Names of the operations that this worker can run; it leaves all other tasks in the queue. */
  readonly operations: readonly string[];
  /** Most tasks run at the same time, apart from those that wait for an answer. */
  readonly concurrency: number;
  /** The share of the free places that an owner may take while it runs something, over 0 to 1. @default 1: all of them */
  readonly shareOf?: ((owner: string) => number) | undefined;
}

/** Runs one task to its end. Never rejects. The signal aborts when the task was cancelled or the worker must let go. */
export type Execute = (task: ClaimedTask, context: ExecutionContext) => Promise<Execution>;

export interface ClaimedTask {
  readonly record: TaskRecord;
  readonly parameters: unknown;
}

export interface ExecutionContext {
  readonly signal: AbortSignal;
  /** Stores how far the task is; may be called often, the engine writes at most ten times a second. */
  reportProgress(progress: Progress): void;
  /**
   * Asks, and waits for the answer; undefined when none came in the time that the task may wait. Places are counted by
   * the caller, from 0 on in each attempt, and asked in their order.
   * @throws the signal's reason when it aborts, and what the store throws
   */
  ask(asked: OpenQuestion): Promise<InputResponse | undefined>;
}

export type Execution =
  | { readonly status: 'completed'; readonly result: unknown }
  | { readonly status: 'failed'; readonly error: Required<TaskError> };

export interface EngineWorker {
  /**
   * Resolves when no task that this engine submitted or runs is unfinished: what a server whose client has gone away
   * still owes. A delayed task that is due within 30 s is owed, too; one that is due later stays in the store for the
   * next server, so that no process lives on for hours; so do tasks that wait for an answer once nothing else is left:
   * they go back to the queue, and the worker takes no more. From the call on, the worker takes only tasks that were
   * submitted through this engine, where the engine can tell.
   */
  finish(): Promise<void>;

  /**
   * Takes no new task, puts back what waits for an answer, and gives running ones `graceMs` to end. What is left then
   * goes back to the queue where it may be run again, and fails with `WORKER_STOPPED` (retryable) where not.
   */
  drain(graceMs: number): Promise<void>;
}

export interface EngineOptions {
  /** Largest result in bytes of its JSON. @default 1048576 (1 MiB) */
  readonly maxResultBytes?: number | undefined;
  /** Milliseconds within which the tasks of a worker that died become `failed`. @default 30000 */
  readonly leaseMs?: number | undefined;
  /**
   * Keeps installations apart that share one store; at most 48 letters, digits, `_`, `-` and `:`.
   * A SQLite file is an installation of its own and knows no prefix. @default 'mcp_task:'
   */
  readonly keyPrefix?: string | undefined;
  /**
   * Longest time in milliseconds that the record of an ended task is kept; no `ttlMs` is longer. @default 604800000 (7 d)
   */
  readonly retentionMs?: number | undefined;
  /** Told of each task that this engine failed without `execute` having ended it: its worker died or was stopped. */
  readonly onLost?: ((record: TaskRecord) => void) | undefined;
  /** Told what an operator should know of the store. */
  readonly onNotice?: ((notice: StoreNotice) => void) | undefined;
}

/** One line for the operator, without anything of a task or a password. */
export interface StoreNotice {
  readonly level: 'error' | 'warn' | 'info';
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number>>;
}
