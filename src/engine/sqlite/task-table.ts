import type { Database } from '../../storage/driver.js';
import type { Progress } from '../../types.js';
import type { Clock } from '../clock.js';
import type { ClaimedTask, Submission } from '../engine.js';
import { INVALID_RECORD, isInvalid } from '../record-shape.js';
import { failedEnd, type StorableEnd } from '../storable-end.js';
import { isUnexpired, readClaimed, readStoredTask, unreadableRecord } from '../stored-task.js';
import { CANCELLED, TooManyTasksError, WORKER_LOST, WORKER_STOPPED } from '../task-errors.js';
import { type ListQuery, type TaskPage, toPage } from '../task-list.js';
import {
  type NewTask,
  newStoredTask,
  type RecordStatus,
  type TaskRecord,
  type WebhookDelivery,
} from '../task-record.js';
import { QuestionTable } from './question-table.js';
import { prepareTaskStatements, type Run } from './task-statements.js';

export interface Claim {
  readonly worker: string;
  readonly operations: readonly string[];
  /** Only what was submitted through the worker's own engine. */
  readonly ownOnly: boolean;
  /** The owners that get no further place, when these tasks have been claimed as well. */
  readonly fullOwners?: ((claimed: readonly TaskRecord[]) => readonly string[]) | undefined;
}

/** The tasks of a store, and all that can happen to them. */
export class TaskTable {
  readonly #clock: Clock;
  readonly #statements;
  readonly questions: QuestionTable;

  constructor(database: Database, clock: Clock) {
    this.#clock = clock;
    this.#statements = prepareTaskStatements(database);
    this.questions = new QuestionTable(this.#statements, clock);
  }

  /** Call it in a transaction, or one key may name two tasks. */
  insert(task: NewTask, submitter: string): Submission {
    const { owner, operation } = task;
    // As JSON, a key is free of the characters that the database would not keep.
    const key = task.idempotencyKey === undefined ? null : JSON.stringify(task.idempotencyKey);
    const now = this.#clock.now();
    if (key !== null) {
      const earlier = this.#statements.findByKey({ owner, operation, key });
      if (earlier !== undefined && isUnexpired(earlier, now))
        return { record: readStoredTask(earlier), created: false };
      if (earlier !== undefined) this.#statements.removeByKey({ owner, operation, key });
    }
    const { maxUnfinished = Number.POSITIVE_INFINITY } = task;
    const isLimited = Number.isFinite(maxUnfinished);
    if (isLimited && (this.#statements.unfinished({ owner })?.count ?? 0) >= maxUnfinished)
      throw new TooManyTasksError(maxUnfinished);
    const { record, ttlMs, delayMs, inputTimeoutMs, parameters } = newStoredTask(task, now);
    const { taskRef, parametersDigest, slaMs, retryAttempts, webhookUrl = null } = record;
    this.#statements.insert({
      ...{ taskRef, owner, operation, key, submitter, parameters, parametersDigest },
      ...{ slaMs, ttlMs, retryAttempts, inputTimeoutMs, webhookUrl, now },
      dueAt: delayMs > 0 ? now + delayMs : null,
    });
    return { record, created: true };
  }

  find(taskRef: string): TaskRecord | undefined {
    const row = this.#statements.find({ taskRef, now: this.#clock.now() });
    // The database reads a reference only up to a NUL in it.
    return row?.taskRef === taskRef ? readStoredTask(row) : undefined;
  }

  /** One look at the index for each status, so that no page costs more than its own tasks. */
  list(query: ListQuery): TaskPage {
    const { owner, statuses, operation = null, limit, after } = query;
    const references = operation === null ? null : `task_${operation}_${'?'.repeat(32)}`;
    const which = { ...after, operation, references, limit: limit + 1, now: this.#clock.now() };
    const rows = statuses.flatMap(status =>
      owner === undefined
        ? this.#statements.list({ ...which, status })
        : this.#statements.listOfOwner({ ...which, status, owner }),
    );
    return toPage(query, rows.map(readStoredTask));
  }

  status(taskRef: string): RecordStatus | undefined {
    return this.#statements.status({ taskRef })?.status;
  }

  /** Whether the run still counts: it does not once the task has ended otherwise or was given to another worker. */
  isRunning(run: Run): boolean {
    return this.#statements.isRunning(run) !== undefined;
  }

  /**
   * Takes the tasks whose turn it is of those that the worker may run, at most `limit`; one whose row cannot be read fails,
   * and is added to `invalid`. Call it in a transaction.
   */
  claim(claim: Claim, limit: number, invalid: TaskRecord[] = []): readonly ClaimedTask[] {
    const claimed: ClaimedTask[] = [];
    while (claimed.length + invalid.length < limit) {
      const row = this.#statements.claim(this.#which(claim, { claimed }));
      if (row === undefined) break;
      const task = readClaimed(row);
      if (task === undefined) this.failInvalid(row.taskRef);
      if (task === undefined) invalid.push(unreadableRecord(row));
      else claimed.push(task);
    }
    return claimed;
  }

  /** Fails a task whose row cannot be read, unless it has ended; whether it did. */
  failInvalid(taskRef: string): boolean {
    const error = JSON.stringify(INVALID_RECORD);
    return this.#statements.failInvalid({ taskRef, error, now: this.#clock.now() }) > 0;
  }

  /** Whether a task waits that the worker may run within `withinMs` milliseconds. */
  hasWork(claim: Claim, withinMs = 0): boolean {
    return this.#statements.next(this.#which(claim, { withinMs })) !== undefined;
  }

  /** After how many milliseconds the first of the delayed tasks is due that the worker may run then. */
  nextDueInMs(claim: Claim): number | undefined {
    const which = this.#which(claim);
    const dueAt = this.#statements.nextDue(which)?.due_at;
    return dueAt === undefined ? undefined : dueAt - which.now;
  }

  /** Stores the end of a task, unless the run no longer counts; whether it did. */
  end(run: Run, end: StorableEnd, progress?: Progress): boolean {
    const lastProgress = progress === undefined ? null : JSON.stringify(progress);
    return this.#statements.end({ ...end, ...run, progress: lastProgress, now: this.#clock.now() }) > 0;
  }

  /** Puts a task back into the queue whose worker stops, or fails it where it may not be run again; the record then. */
  stop(run: Run): TaskRecord | undefined {
    const isBack = this.#statements.handBack({ ...run, now: this.#clock.now() }) > 0;
    return !isBack && this.end(run, failedEnd(WORKER_STOPPED)) ? this.find(run.taskRef) : undefined;
  }

  /** The record as it is then; ended records stay as they are. */
  cancel(taskRef: string): TaskRecord | undefined {
    const record = this.find(taskRef);
    if (record === undefined || isInvalid(record)) return record;
    this.#statements.cancel({ taskRef, error: JSON.stringify(CANCELLED), now: this.#clock.now() });
    return this.find(taskRef);
  }

  reportProgress(run: Run, progress: Progress): void {
    this.#statements.progress({ ...run, progress: JSON.stringify(progress), now: this.#clock.now() });
  }

  recordDelivery(taskRef: string, delivery: WebhookDelivery): void {
    this.#statements.recordDelivery({ taskRef, delivery: JSON.stringify(delivery), now: this.#clock.now() });
  }

  /**
   * Ends what no worker runs any more, tasks of workers that are gone, and of `worker` all but `running`: they go back
   * into the queue, or fail where they may not be run again. The answer is what has failed. Call it in a transaction.
   */
  endLost(worker: string, running: readonly string[]): readonly TaskRecord[] {
    const values = { worker, running: JSON.stringify(running), now: this.#clock.now() };
    this.#statements.handBackLost(values);
    return this.#statements.failLost({ ...values, error: JSON.stringify(WORKER_LOST) }).map(readStoredTask);
  }

  /** Removes some of the expired records; how many. */
  removeExpired(limit: number): number {
    return this.#statements.removeExpired({ now: this.#clock.now(), limit });
  }

  #which(
    { worker, operations, ownOnly, fullOwners }: Claim,
    { claimed = [], withinMs = 0 }: { claimed?: readonly ClaimedTask[]; withinMs?: number } = {},
  ) {
    const now = this.#clock.now();
    return {
      worker,
      anybodys: ownOnly ? 0 : 1,
      operations: JSON.stringify(operations),
      fullOwners: JSON.stringify(fullOwners?.(claimed.map(({ record }) => record)) ?? []),
      now,
      dueBy: now + withinMs,
    };
  }
}
