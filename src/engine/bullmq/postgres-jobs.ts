import type { PostgresConnection } from 'bullmq';
import type { DataChange } from './queue-connection.js';

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
