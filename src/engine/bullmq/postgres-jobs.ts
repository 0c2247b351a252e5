import type { PostgresConnection } from 'bullmq';
import type { StoredJob } from './job-record.js';
import type { DataChange, Page, QueueState } from './queue-connection.js';

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

const ORDER: Readonly<Record<QueueState, string>> = {
  waiting: 'seq',
  active: 'seq',
  delayed: 'process_at_ms',
  completed: 'finished_at_ms',
  failed: 'finished_at_ms',
};

/** See `QueueConnection.list`: one query, where BullMQ makes one for each job. */
export async function listPostgresJobs(
  { pool }: PostgresConnection,
  queue: string,
  { state, start, count, oldestFirst = false }: Page & { readonly state: QueueState },
): Promise<readonly StoredJob[]> {
  const direction = oldestFirst ? 'ASC' : 'DESC';
  const list = `SELECT * FROM job WHERE queue = $1 AND state = '${state}'
    ORDER BY ${ORDER[state]} ${direction} LIMIT $2 OFFSET $3`;
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
