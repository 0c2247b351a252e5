import type { Database } from '../../storage/driver.js';
import { prepareCommand, prepareQuery, prepareRows } from '../../storage/statement.js';
import type { StoredTask } from '../stored-task.js';
import type { RecordStatus } from '../task-record.js';

/** A task that runs does not expire; any other does on the millisecond. */
const KNOWN = `(expires_at > :now OR status = 'processing')`;

/** What every end does: the record is kept for its time from now on, without its parameters and questions. */
const ENDED = `
  updated_at = :now, ended_at = :now, expires_at = :now + ttl_ms, parameters = NULL, questions = NULL,
  waits_until = NULL, has_news = 0, open_count = 0`;

/** A task belongs to the worker of the engine that took it in; one without a living worker to any. */
const MAY_RUN = `
  status = 'pending' AND expires_at > :now AND operation IN (SELECT value FROM json_each(:operations))
  AND owner NOT IN (SELECT value FROM json_each(:fullOwners))
  AND (submitter = :worker
       OR (:anybodys AND submitter NOT IN (SELECT worker FROM workers WHERE takes_tasks AND lease_until > :now)))`;

/** A run that waits for an answer, or has one that it has not seen, may be lost for nothing. */
const EXCUSED = 'COALESCE(waits_until > :now, 0)';

/** A task that goes back to the queue keeps its parameters, and what it has used up of its runs. */
const AGAIN = `
  status = 'pending', worker = NULL, started_at = NULL, progress = NULL, updated_at = :now, due_at = NULL,
  expires_at = :now + ttl_ms, excused_runs = excused_runs + ${EXCUSED}, waited_ms = 0`;
const MAY_RUN_AGAIN = `(run_count - excused_runs <= retry_attempts OR ${EXCUSED})`;

/** One run of a task; what an earlier one still reports, it does not hold. */
const THIS_RUN = `
  task_ref = :taskRef AND status = 'processing' AND worker = :worker AND run_count = :runCount`;

/** What no worker runs any more: tasks of workers that are gone, and of `worker` all but `running`. */
const LOST = `
  status = 'processing'
  AND CASE worker WHEN :worker THEN task_ref NOT IN (SELECT value FROM json_each(:running))
                  ELSE worker NOT IN (SELECT worker FROM workers) END`;

/** What a record is made of; reading columns is most of the cost of a statement. */
const WITHOUT_RESULT = `
  task_ref AS taskRef, owner, operation, parameters_digest AS parametersDigest, status, created_at AS createdAt,
  updated_at AS updatedAt, started_at AS startedAt, ended_at AS endedAt, expires_at AS expiresAt, sla_ms AS slaMs,
  run_count AS runCount, retry_attempts AS retryAttempts, excused_runs AS excusedRuns, waited_ms AS waitedMs,
  questions, webhook_url AS webhookUrl, delivery, progress, error`;
const RECORD = `${WITHOUT_RESULT}, result`;

/** The reference names the operation: so the index tells it, too. */
const LISTED = `
  status = :status AND (created_at, task_ref) < (:createdAt, :taskRef) AND ${KNOWN}
  AND (:operation IS NULL OR task_ref GLOB :references AND operation = :operation)
  ORDER BY created_at DESC, task_ref DESC LIMIT :limit`;
const LIST = `SELECT ${WITHOUT_RESULT}, NULL AS result FROM tasks`;

const QUESTIONS = 'questions, input_timeout_ms, started_at';

/**
 * The task whose turn it is: of those that are due the first, or the one that has the first place in the queue. The indexes are
 * named, since SQLite would rather sort all that waits by another one.
 */
const NEXT = `
  SELECT place FROM (
    SELECT * FROM (
      SELECT rowid AS place, created_at AS since FROM tasks INDEXED BY tasks_queued
      WHERE ${MAY_RUN} AND due_at IS NULL ORDER BY turn, rowid LIMIT 1)
    UNION ALL
    SELECT * FROM (
      SELECT rowid AS place, due_at AS since FROM tasks INDEXED BY tasks_delayed
      WHERE ${MAY_RUN} AND due_at <= :dueBy ORDER BY due_at, rowid LIMIT 1))
  ORDER BY since LIMIT 1`;

/**
 * A task's turn: behind its owner's last in the queue; without one, that which is served now. So owners are served one
 * task each, whatever they have submitted (start-time fair queueing).
 */
const TURN = `
  COALESCE(
    (SELECT MAX(turn) + 1 FROM tasks
      WHERE owner = :owner AND status = 'pending' AND status IN ('pending', 'processing')),
    (SELECT MIN(turn) FROM tasks INDEXED BY tasks_queued WHERE status = 'pending' AND due_at IS NULL),
    0)`;

/** One run of a task by a worker. */
export type Run = { readonly taskRef: string; readonly worker: string; readonly runCount: number };

/** The questions of a task, and what their times are reckoned by. */
export interface QuestionsRow {
  readonly questions: string | null;
  readonly input_timeout_ms: number;
  readonly started_at: number | null;
}

export type TaskStatements = ReturnType<typeof prepareTaskStatements>;

/** Each change of state names the state that it starts from, so that an ended record never changes. */
export function prepareTaskStatements(database: Database) {
  const query = <Row>(sql: string) => prepareQuery<Row>(database, sql);
  const command = (sql: string) => prepareCommand(database, sql);
  return {
    insert: command(`
      INSERT INTO tasks (task_ref, owner, operation, idempotency_key, parameters, parameters_digest, status,
                         submitter, created_at, updated_at, due_at, expires_at, sla_ms, ttl_ms, retry_attempts,
                         input_timeout_ms, webhook_url, turn)
      VALUES (:taskRef, :owner, :operation, :key, :parameters, :parametersDigest, 'pending',
              :submitter, :now, :now, :dueAt, COALESCE(:dueAt, :now) + CAST(:ttlMs AS INTEGER), :slaMs, :ttlMs,
              :retryAttempts, :inputTimeoutMs, :webhookUrl, ${TURN})`),
    unfinished: query<{ count: number }>(`
      SELECT COUNT(*) AS count FROM tasks WHERE owner = :owner AND status IN ('pending', 'processing')`),
    find: query<StoredTask>(`SELECT ${RECORD} FROM tasks WHERE task_ref = :taskRef AND ${KNOWN}`),
    findByKey: query<StoredTask>(
      `SELECT ${RECORD} FROM tasks WHERE owner = :owner AND operation = :operation AND idempotency_key = :key`,
    ),
    removeByKey: command(
      'DELETE FROM tasks WHERE owner = :owner AND operation = :operation AND idempotency_key = :key',
    ),
    list: prepareRows<StoredTask>(database, `${LIST} INDEXED BY tasks_listed WHERE ${LISTED}`),
    listOfOwner: prepareRows<StoredTask>(
      database,
      `${LIST} INDEXED BY tasks_listed_by_owner WHERE owner = :owner AND ${LISTED}`,
    ),
    status: query<{ status: RecordStatus }>('SELECT status FROM tasks WHERE task_ref = :taskRef'),
    isRunning: query(`SELECT 1 FROM tasks WHERE ${THIS_RUN}`),
    next: query(NEXT),
    nextDue: query<{ due_at: number }>(
      `SELECT due_at FROM tasks INDEXED BY tasks_delayed WHERE ${MAY_RUN} AND due_at > :now ORDER BY due_at LIMIT 1`,
    ),
    claim: query<StoredTask>(`
      UPDATE tasks SET status = 'processing', worker = :worker, started_at = :now, updated_at = :now,
                       run_count = run_count + 1
      WHERE rowid = (${NEXT}) RETURNING ${RECORD}, parameters`),
    end: command(`
      UPDATE tasks SET status = :status, result = :result, error = :error,
                       progress = COALESCE(:progress, progress), ${ENDED}
      WHERE ${THIS_RUN}`),
    handBack: command(`UPDATE tasks SET ${AGAIN} WHERE ${THIS_RUN} AND ${MAY_RUN_AGAIN}`),
    failInvalid: command(`
      UPDATE tasks SET status = 'failed', error = :error, result = NULL, progress = NULL, delivery = NULL, ${ENDED}
      WHERE task_ref = :taskRef AND status NOT IN ('completed', 'failed', 'cancelled')`),
    cancel: command(`
      UPDATE tasks SET status = 'cancelled', error = :error, ${ENDED}
      WHERE task_ref = :taskRef AND status IN ('pending', 'processing') AND ${KNOWN}`),
    questions: query<QuestionsRow>(`SELECT ${QUESTIONS} FROM tasks WHERE task_ref = :taskRef AND ${KNOWN}`),
    questionsOfRun: query<QuestionsRow>(`SELECT ${QUESTIONS} FROM tasks WHERE ${THIS_RUN}`),
    setQuestions: command(`
      UPDATE tasks SET questions = :questions, waits_until = :waitsUntil, has_news = :hasChanges,
                       open_count = :openCount, waited_ms = :waitedMs, updated_at = :now
      WHERE task_ref = :taskRef AND status IN ('pending', 'processing')`),
    withChanges: prepareRows<{ task_ref: string }>(
      database,
      'SELECT task_ref FROM tasks WHERE worker = :worker AND has_news = 1',
    ),
    progress: command(`UPDATE tasks SET progress = :progress, updated_at = :now WHERE ${THIS_RUN}`),
    recordDelivery: command(`UPDATE tasks SET delivery = :delivery WHERE task_ref = :taskRef AND ${KNOWN}`),
    handBackLost: command(`UPDATE tasks SET ${AGAIN} WHERE ${LOST} AND ${MAY_RUN_AGAIN}`),
    failLost: prepareRows<StoredTask>(
      database,
      `UPDATE tasks SET status = 'failed', error = :error, ${ENDED} WHERE ${LOST} RETURNING ${RECORD}`,
    ),
    removeExpired: command(`
      DELETE FROM tasks WHERE rowid IN (
        SELECT rowid FROM tasks WHERE expires_at <= :now AND status <> 'processing' LIMIT :limit)`),
  };
}
