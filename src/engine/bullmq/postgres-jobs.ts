import type { PostgresConnection } from 'bullmq';
import type { StoredJob } from './job-record.js';
import type { DataChange, Page, QueueHead, QueueState } from './queue-connection.js';

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
  return rows.map(row => ({
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
  }));
}
