import type Database from 'libsql';
import type { Progress } from '../../types.js';
import { digestJson } from '../canonical-json.js';
import type { Clock } from '../clock.js';
import type { Execution, Submission } from '../engine.js';
import type { NewTask, RecordStatus, TaskRecord } from '../task-record.js';
import { type TaskRow, toRecord } from './task-row.js';

export interface Claim {
  readonly instance: string;
  readonly operations: readonly string[];
  /** Only what this very instance submitted. */
  readonly ownOnly: boolean;
}

export interface Claimed {
  readonly record: TaskRecord;
  readonly parameters: unknown;
}

/** Every statement on tasks. Each is one transaction, and each change of state names the state that it starts from. */
export class TaskTable {
  readonly #database: Database.Database;
  readonly #clock: Clock;
  readonly #statements;

  constructor(database: Database.Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#statements = prepare(database);
  }

  insert(task: NewTask, submitter: string): Submission {
    const now = this.#clock.now();
    return this.#immediately(() => {
      const earlier = this.#findByKey(task, now);
      if (earlier !== undefined) return { record: earlier, created: false };
      const { taskRef, owner, operation, idempotencyKey, parameters, slaMs, ttlMs } = task;
      const values = [
        taskRef,
        owner,
        operation,
        idempotencyKey ?? null,
        JSON.stringify(parameters),
        digestJson(parameters),
      ];
      const row = this.#statements.insert.get([...values, submitter, now, now, now + ttlMs, slaMs, ttlMs]);
      return { record: toRecord(row as TaskRow), created: true };
    });
  }

  find(taskRef: string): TaskRecord | undefined {
    const row = this.#statements.find.get([taskRef, this.#clock.now()]);
    return row === undefined ? undefined : toRecord(row as TaskRow);
  }

  status(taskRef: string): RecordStatus | undefined {
    return (this.#statements.status.get([taskRef]) as { status: RecordStatus } | undefined)?.status;
  }

  /** Takes the oldest task that this instance may run. */
  claim({ instance, operations, ownOnly }: Claim): Claimed | undefined {
    const now = this.#clock.now();
    const others = ownOnly ? 0 : 1;
    const row = this.#statements.claim.get([
      instance,
      now,
      now,
      now,
      JSON.stringify(operations),
      instance,
      others,
      now,
    ]);
    if (row === undefined) return undefined;
    return {
      record: toRecord(row as TaskRow),
      parameters: JSON.parse((row as TaskRow).parameters ?? 'null'),
    };
  }

  /** Whether there is a task waiting that only this instance will run. */
  owesWork({ instance, operations }: Claim): boolean {
    return this.#statements.owes.get([instance, this.#clock.now(), JSON.stringify(operations)]) !== undefined;
  }

  /** Stores the end of a task that `worker` runs; false when it has ended otherwise. */
  end(taskRef: string, worker: string, execution: Execution): boolean {
    const now = this.#clock.now();
    const [result, error] =
      execution.status === 'completed'
        ? [JSON.stringify(execution.result), null]
        : [null, JSON.stringify(execution.error)];
    return (
      this.#statements.end.run([execution.status, now, now, now, result, error, taskRef, worker]).changes > 0
    );
  }

  cancel(taskRef: string): void {
    const now = this.#clock.now();
    const error = { code: 'CANCELLED', message: 'The task was cancelled.', retryable: false };
    this.#statements.cancel.run([now, now, now, JSON.stringify(error), taskRef, now]);
  }

  reportProgress(taskRef: string, worker: string, progress: Progress): void {
    this.#statements.progress.run([JSON.stringify(progress), this.#clock.now(), taskRef, worker]);
  }

  /** Fails the tasks of every worker without a living lease but `instance`; how many. */
  failLost(instance: string): number {
    const now = this.#clock.now();
    const message =
      'The process that ran the task died. The task was not run again; start it anew if it may be repeated.';
    const error = JSON.stringify({ code: 'WORKER_LOST', message, retryable: true });
    return this.#statements.failLost.run([now, now, now, error, instance, now]).changes;
  }

  /** Removes some of the expired records; how many. */
  removeExpired(limit: number): number {
    return this.#statements.removeExpired.run([this.#clock.now(), limit]).changes;
  }

  #findByKey({ owner, operation, idempotencyKey }: NewTask, now: number): TaskRecord | undefined {
    if (idempotencyKey === undefined) return undefined;
    const row = this.#statements.findByKey.get([owner, operation, idempotencyKey]) as TaskRow | undefined;
    if (row === undefined) return undefined;
    if (row.expires_at > now || row.status === 'processing') return toRecord(row);
    this.#statements.remove.run([row.task_ref]);
    return undefined;
  }

  #immediately<Value>(work: () => Value): Value {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const value = work();
      this.#database.exec('COMMIT');
      return value;
    } catch (error) {
      // A full disk may have ended the transaction by itself.
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

/** A task that runs does not expire; any other does on the millisecond. */
const KNOWN = `(expires_at > ? OR status = 'processing')`;

function prepare(database: Database.Database) {
  return {
    insert: database.prepare(`
      INSERT INTO tasks (task_ref, owner, operation, idempotency_key, parameters, parameters_digest, status,
                         submitter, created_at, updated_at, expires_at, sla_ms, ttl_ms)
      VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?) RETURNING *`),
    find: database.prepare(`SELECT * FROM tasks WHERE task_ref = ? AND ${KNOWN}`),
    findByKey: database.prepare(
      'SELECT * FROM tasks WHERE owner = ? AND operation = ? AND idempotency_key = ?',
    ),
    status: database.prepare('SELECT status FROM tasks WHERE task_ref = ?'),
    claim: database.prepare(`
      UPDATE tasks SET status = 'processing', worker = ?, started_at = ?, updated_at = ?
      WHERE task_ref = (
        SELECT task_ref FROM tasks
        WHERE status = 'pending' AND expires_at > ? AND operation IN (SELECT value FROM json_each(?))
          AND (submitter = ? OR (? AND submitter NOT IN (
            SELECT instance FROM instances WHERE has_worker AND lease_until > ?)))
        ORDER BY rowid LIMIT 1)
      RETURNING *`),
    owes: database.prepare(`
      SELECT 1 FROM tasks WHERE status = 'pending' AND submitter = ? AND expires_at > ?
        AND operation IN (SELECT value FROM json_each(?)) LIMIT 1`),
    end: database.prepare(`
      UPDATE tasks SET status = ?, updated_at = ?, ended_at = ?, expires_at = MAX(expires_at, ? + ttl_ms),
                       result = ?, error = ?, parameters = NULL
      WHERE task_ref = ? AND status = 'processing' AND worker = ?`),
    cancel: database.prepare(`
      UPDATE tasks SET status = 'cancelled', updated_at = ?, ended_at = ?, expires_at = MAX(expires_at, ? + ttl_ms),
                       error = ?, parameters = NULL
      WHERE task_ref = ? AND status IN ('pending', 'processing') AND ${KNOWN}`),
    progress: database.prepare(
      `UPDATE tasks SET progress = ?, updated_at = ? WHERE task_ref = ? AND status = 'processing' AND worker = ?`,
    ),
    failLost: database.prepare(`
      UPDATE tasks SET status = 'failed', updated_at = ?, ended_at = ?, expires_at = MAX(expires_at, ? + ttl_ms),
                       error = ?, parameters = NULL
      WHERE status = 'processing' AND worker <> ?
        AND worker NOT IN (SELECT instance FROM instances WHERE lease_until > ?)`),
    remove: database.prepare('DELETE FROM tasks WHERE task_ref = ?'),
    removeExpired: database.prepare(`
      DELETE FROM tasks WHERE rowid IN (
        SELECT rowid FROM tasks WHERE expires_at <= ? AND status <> 'processing' LIMIT ?)`),
  };
}
