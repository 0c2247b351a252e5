import type Database from 'libsql';
import type { Progress } from '../../types.js';
import { digestJson } from '../canonical-json.js';
import type { Clock } from '../clock.js';
import type { ClaimedTask, Submission } from '../engine.js';
import { failedEnd, type StorableEnd } from '../storable-end.js';
import type { NewTask, RecordStatus, TaskRecord } from '../task-record.js';
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
  readonly #statements;

  constructor(database: Database.Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
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
      ttlMs: Math.ceil(task.ttlMs),
    };
    const now = this.#clock.now();
    if (key !== null) {
      const earlier = this.#statements.findByKey({ owner, operation, key, now });
      if (earlier !== undefined) return { record: toRecord(earlier), created: false };
      this.#statements.removeByKey({ owner, operation, key });
    }
    const row = this.#statements.insert({ ...values, now });
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

  /** Whether a task waits that the worker may run. */
  hasWork(claim: Claim): boolean {
    return this.#next(claim) !== undefined;
  }

  /** Stores the end of a task that `worker` runs, unless it has ended otherwise. */
  end(taskRef: string, worker: string, end: StorableEnd, progress?: Progress): void {
    const lastProgress = progress === undefined ? null : JSON.stringify(progress);
    this.#statements.end({ ...end, taskRef, worker, progress: lastProgress, now: this.#clock.now() });
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

  /** Fails what no worker runs any more: tasks of workers that are gone, and of `worker` all but `running`. */
  failLost(worker: string, running: readonly string[]): void {
    this.#statements.failLost({
      worker,
      running: JSON.stringify(running),
      error: WORKER_LOST.error,
      now: this.#clock.now(),
    });
  }

  /** Removes some of the expired records; how many. */
  removeExpired(limit: number): number {
    return this.#statements.removeExpired({ now: this.#clock.now(), limit });
  }

  #next({ worker, operations, ownOnly }: Claim): string | undefined {
    const anybodys = ownOnly ? 0 : 1;
    const which = { worker, anybodys, operations: JSON.stringify(operations), now: this.#clock.now() };
    return this.#statements.next(which)?.task_ref;
  }
}
