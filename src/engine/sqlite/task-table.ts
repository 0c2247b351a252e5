import type Database from 'libsql';
import type { Progress } from '../../types.js';
import { digestJson } from '../canonical-json.js';
import type { Clock } from '../clock.js';
import type { ClaimedTask, Submission } from '../engine.js';
import { failedEnd, type StorableEnd } from '../storable-end.js';
import type { NewTask, RecordStatus, TaskRecord, WebhookDelivery } from '../task-record.js';
import { inTransaction } from './statement.js';
import { toRecord } from './task-row.js';
import { prepareTaskStatements } from './task-statements.js';

export interface Claim {
  readonly worker: string;
  readonly operations: readonly string[];
  /** Only what was submitted through the worker's own engine. */
  readonly ownOnly: boolean;
}

const CANCELLED = failedEnd({ code: 'CANCELLED', message: 'The task was cancelled.', retryable: false });
const WORKER_LOST = failedEnd({
  code: 'WORKER_LOST',
  message:
    'The process that ran the task died. The task is not run again by itself: start a new one if it may be repeated.',
  retryable: true,
});

/** The tasks of a store, and all that can happen to them. */
export class TaskTable {
  readonly #database: Database.Database;
  readonly #clock: Clock;
  readonly #retentionMs: number;
  readonly #statements;

  constructor(database: Database.Database, clock: Clock, retentionMs = Number.POSITIVE_INFINITY) {
    this.#database = database;
    this.#clock = clock;
    this.#retentionMs = retentionMs;
    this.#statements = prepareTaskStatements(database);
  }

  /** Call it in a transaction, or one key may name two tasks. */
  insert(task: NewTask, submitter: string): Submission {
    const { taskRef, owner, operation, parameters } = task;
    // As JSON, a key is free of the characters that the database would not keep.
    const key = task.idempotencyKey === undefined ? null : JSON.stringify(task.idempotencyKey);
    const values = {
      taskRef,
      owner,
      operation,
      key,
      submitter,
      parameters: JSON.stringify(parameters) ?? 'null',
      digest: digestJson(parameters),
      slaMs: Math.ceil(task.slaMs),
      ttlMs: Math.ceil(Math.min(task.ttlMs, this.#retentionMs)),
      retryAttempts: task.retryAttempts ?? 0,
      webhookUrl: task.webhookUrl ?? null,
    };
    const now = this.#clock.now();
    const dueAt = task.delayMs === undefined || task.delayMs <= 0 ? null : now + Math.ceil(task.delayMs);
    if (key !== null) {
      const earlier = this.#statements.findByKey({ owner, operation, key, now });
      if (earlier !== undefined) return { record: toRecord(earlier), created: false };
      this.#statements.removeByKey({ owner, operation, key });
    }
    const row = this.#statements.insert({ ...values, dueAt, now });
    if (row === undefined) throw new TypeError('The database stored no row.');
    return { record: toRecord(row), created: true };
  }

  find(taskRef: string): TaskRecord | undefined {
    const row = this.#statements.find({ taskRef, now: this.#clock.now() });
    // The database reads a reference only up to a NUL in it.
    return row?.task_ref === taskRef ? toRecord(row) : undefined;
  }

  status(taskRef: string): RecordStatus | undefined {
    return this.#statements.status({ taskRef })?.status;
  }

  /** Takes the oldest tasks that the worker may run, at most `limit`. */
  claim(claim: Claim, limit: number): readonly ClaimedTask[] {
    // Looking first keeps a worker with nothing to do from asking for the write lock.
    if (!this.hasWork(claim)) return [];
    return inTransaction(this.#database, () => {
      const claimed: ClaimedTask[] = [];
      for (let taskRef = this.#next(claim); taskRef !== undefined; taskRef = this.#next(claim)) {
        const row = this.#statements.claim({ taskRef, worker: claim.worker, now: this.#clock.now() });
        if (row !== undefined)
          claimed.push({ record: toRecord(row), parameters: JSON.parse(row.parameters ?? 'null') });
        if (claimed.length >= limit) break;
      }
      return claimed;
    });
  }

  /** Whether a task waits that the worker may run within `withinMs` milliseconds. */
  hasWork(claim: Claim, withinMs = 0): boolean {
    return this.#next(claim, withinMs) !== undefined;
  }

  /** After how many milliseconds the first of the delayed tasks is due that the worker may run then. */
  nextDueInMs(claim: Claim): number | undefined {
    const which = this.#which(claim);
    const dueAt = this.#statements.nextDue(which)?.due_at;
    return dueAt === undefined ? undefined : dueAt - which.now;
  }

  /** Stores the end of a task that `worker` runs, unless it has ended otherwise; whether it did. */
  end(taskRef: string, worker: string, end: StorableEnd, progress?: Progress): boolean {
    const lastProgress = progress === undefined ? null : JSON.stringify(progress);
    const values = { ...end, taskRef, worker, progress: lastProgress, now: this.#clock.now() };
    return this.#statements.end(values) > 0;
  }

  /** The record as it is then; ended records stay as they are. */
  cancel(taskRef: string): TaskRecord | undefined {
    if (this.find(taskRef) === undefined) return undefined;
    this.#statements.cancel({ taskRef, error: CANCELLED.error, now: this.#clock.now() });
    return this.find(taskRef);
  }

  reportProgress(taskRef: string, worker: string, progress: Progress): void {
    this.#statements.progress({
      taskRef,
      worker,
      progress: JSON.stringify(progress),
      now: this.#clock.now(),
    });
  }

  recordDelivery(taskRef: string, delivery: WebhookDelivery): void {
    this.#statements.recordDelivery({ taskRef, delivery: JSON.stringify(delivery), now: this.#clock.now() });
  }

  /** Fails what no worker runs any more: tasks of workers that are gone, and of `worker` all but `running`. */
  failLost(worker: string, running: readonly string[]): readonly TaskRecord[] {
    const values = { worker, running: JSON.stringify(running), now: this.#clock.now() };
    return this.#statements.failLost({ ...values, error: WORKER_LOST.error }).map(toRecord);
  }

  /** Removes some of the expired records; how many. */
  removeExpired(limit: number): number {
    return this.#statements.removeExpired({ now: this.#clock.now(), limit });
  }

  #next(claim: Claim, withinMs = 0): string | undefined {
    const which = this.#which(claim);
    return this.#statements.next({ ...which, dueBy: which.now + withinMs })?.task_ref;
  }

  #which({ worker, operations, ownOnly }: Claim) {
    const anybodys = ownOnly ? 0 : 1;
    return { worker, anybodys, operations: JSON.stringify(operations), now: this.#clock.now() };
  }
}
