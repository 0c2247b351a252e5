import { DEFAULT_SCHEMA, type PostgresConnection } from 'bullmq';
import type pg from 'pg';
import type { StoreNotice } from '../engine.js';
import type { RecordStatus } from '../task-record.js';
import { longResultAt, type StoredJob } from './job-record.js';
import {
  type DataChange,
  LOOKED_AT,
  type NewestJobs,
  type NewestQuery,
  type Page,
  type QueueHead,
  type QueueState,
} from './queue-connection.js';

const REPLACE_DATA = `
  UPDATE job SET data = $3::jsonb
   WHERE queue = $1 AND id = $2
     AND (data = $3::jsonb OR data = $4::jsonb AND attempts_started = $5)
  RETURNING id`;

/** See `QueueConnection.replaceData`. `queue` is the queue's full name. */
export async function replacePostgresData(
  { pool }: PostgresConnection,
  queue: string,
  { job, data }: DataChange,
): Promise<boolean> {
  const { rows } = await pool.query(REPLACE_DATA, [queue, job.id, data, job.data, job.attemptsStarted]);
  return rows.length > 0;
}

/** See `QueueConnection.hasJob`. */
export async function hasPostgresJob(
  { pool }: PostgresConnection,
  queue: string,
  jobId: string,
): Promise<boolean> {
  const { rows } = await pool.query('SELECT 1 FROM job WHERE queue = $1 AND id = $2', [queue, jobId]);
  return rows.length > 0;
}

const ORDER: Readonly<Record<QueueState, readonly string[]>> = {
  waiting: ['seq'],
  prioritized: ['priority', 'seq'],
  active: ['seq'],
  delayed: ['process_at_ms'],
  completed: ['finished_at_ms'],
  failed: ['finished_at_ms'],
};

const WHERE: Readonly<Record<QueueState, string>> = {
  waiting: "state = 'waiting' AND priority = 0",
  prioritized: "state = 'waiting' AND priority > 0",
  active: "state = 'active'",
  delayed: "state = 'delayed'",
  completed: "state = 'completed'",
  failed: "state = 'failed'",
};

const HEAD = `
  SELECT id, priority, data FROM job WHERE queue = $1 AND state = 'waiting' ORDER BY priority, seq LIMIT 1`;

/** See `QueueConnection.head`. */
export async function postgresHead(
  { pool }: PostgresConnection,
  queue: string,
): Promise<QueueHead | undefined> {
  const [row] = (await pool.query(HEAD, [queue])).rows;
  return row && { taskRef: String(row.id), priority: Number(row.priority), data: JSON.stringify(row.data) };
}

const MIN_PRIORITY = `
  SELECT priority FROM job WHERE queue = $1 AND state = 'waiting' AND priority > 0 ORDER BY priority LIMIT 1`;

/** See `QueueConnection.leastPriority`. */
export async function postgresLeastPriority({ pool }: PostgresConnection, queue: string): Promise<number> {
  return Number((await pool.query(MIN_PRIORITY, [queue])).rows[0]?.priority ?? 0);
}

/** See `QueueConnection.list`: one query, where BullMQ makes one for each job. */
export async function listPostgresJobs(
  { pool }: PostgresConnection,
  queue: string,
  { state, start, count, oldestFirst = false }: Page & { readonly state: QueueState },
): Promise<readonly StoredJob[]> {
  const direction = oldestFirst ? 'ASC' : 'DESC';
  const order = ORDER[state].map(column => `${column} ${direction}`).join();
  const list = `SELECT * FROM job WHERE queue = $1 AND ${WHERE[state]} ORDER BY ${order} LIMIT $2 OFFSET $3`;
  const { rows } = await pool.query(list, [queue, count, start]);
  return rows.map(toStoredJob);
}

/**
 * BullMQ's own indexes tell neither an owner nor a time of creation, for lists; and every look of its own for the jobs of
 * dead workers takes their marks away, for which it would read the table.
 */
const INDEXES = {
  mcp_await_job_listed: '(queue, added_at_ms, id COLLATE "C")',
  mcp_await_job_listed_by_owner: `(queue, (data->>'ownerDigest'), added_at_ms, id COLLATE "C")`,
  mcp_await_job_stalled: '(queue) WHERE stalled_marked',
};

/** Makes our indexes where they are not there. Without the right to, the same costs more. */
export async function indexJobs(pool: pg.Pool): Promise<readonly StoreNotice[]> {
  const { rows } = await pool.query('SELECT indexname FROM pg_indexes WHERE schemaname = $1', [
    DEFAULT_SCHEMA,
  ]);
  const missing = Object.entries(INDEXES).filter(([name]) => !rows.some(row => row.indexname === name));
  try {
    for (const [name, columns] of missing) {
      await pool.query(`CREATE INDEX IF NOT EXISTS ${name} ON job ${columns}`);
    }
    return [];
  } catch (error) {
    const indexes = missing.map(([name]) => name).join();
    const fields = { indexes, error: error instanceof Error ? error.message : String(error) };
    const message =
      'Our indexes could not be made, so lists and looks for dead workers read all tasks: let the owner of the table bullmq.job start a server once.';
    return [{ level: 'warn', message, fields }];
  }
}

const MAY_HAVE: Readonly<Record<RecordStatus, string>> = {
  pending: "state IN ('waiting', 'delayed')",
  processing: "state = 'active' OR state = 'waiting' AND stalled_count > 0",
  completed: "state = 'completed'",
  failed: "state = 'failed' OR data ? 'lost'",
  cancelled: "state = 'failed' OR data ? 'cancelled'",
};

/** See `QueueConnection.newest`. */
export async function newestPostgresJobs(
  { pool }: PostgresConnection,
  queue: string,
  { ownerDigest, statuses, count, after }: NewestQuery,
): Promise<NewestJobs> {
  const values: unknown[] = [queue, after.createdAt, after.taskRef, count];
  const isWanted = statuses.map(status => `(${MAY_HAVE[status]})`).join(' OR ') || 'FALSE';
  const isOwned = ownerDigest === undefined ? 'TRUE' : "data->>'ownerDigest' = $5";
  if (ownerDigest !== undefined) values.push(ownerDigest);
  const { rows } = await pool.query(
    `SELECT id, data, added_at_ms, attempts_started, attempts_made, stalled_count, processed_at_ms, finished_at_ms,
            failed_reason, progress, stacktrace, return_value IS NOT NULL AS has_result, is_wanted, place
       FROM (SELECT *, ${isWanted} AS is_wanted, row_number() OVER (ORDER BY added_at_ms DESC, id COLLATE "C" DESC) AS place
               FROM (SELECT * FROM job
                      WHERE queue = $1 AND ${isOwned} AND (added_at_ms, id COLLATE "C") < ($2, $3 COLLATE "C")
                      ORDER BY added_at_ms DESC, id COLLATE "C" DESC LIMIT ${LOOKED_AT}) AS looked_at) AS placed
      WHERE is_wanted OR place = ${LOOKED_AT}
      ORDER BY place LIMIT $4`,
    values,
  );
  const jobs = rows
    .filter(row => row.is_wanted)
    .map(row => toStoredJob({ ...row, return_value: row.has_result ? longResultAt(0) : null }));
  const last = rows.at(-1);
  const isCut = rows.length === count || Number(last?.place) === LOOKED_AT;
  return {
    jobs,
    reached: isCut ? { createdAt: Number(last.added_at_ms), taskRef: String(last.id) } : undefined,
  };
}

/** @param row as pg returns it */
function toStoredJob(row: Readonly<Record<string, unknown>>): StoredJob {
  return {
    id: String(row.id),
    data: JSON.stringify(row.data),
    timestamp: Number(row.added_at_ms),
    attemptsStarted: Number(row.attempts_started),
    attemptsMade: Number(row.attempts_made),
    stalledCounter: Number(row.stalled_count),
    ...(row.processed_at_ms !== null && { processedOn: Number(row.processed_at_ms) }),
    ...(row.finished_at_ms !== null && { finishedOn: Number(row.finished_at_ms) }),
    failedReason: String(row.failed_reason ?? ''),
    returnvalue: JSON.stringify(row.return_value),
    progress: row.progress ?? 0,
    stacktrace: JSON.stringify(row.stacktrace ?? []),
  };
}
