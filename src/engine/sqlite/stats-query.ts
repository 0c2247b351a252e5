import type { Database } from '../../storage/driver.js';
import { prepareRows } from '../../storage/statement.js';
import type { OperationStats } from '../operation-stats.js';

interface StatsRow extends Omit<OperationStats, 'oldestWaitMs' | 'recent'> {
  readonly oldest_pending_at: number | null;
  readonly recently_completed: number | null;
  readonly recently_failed: number | null;
  readonly mean_ms: number | null;
  readonly p95_ms: number | null;
}

/** `rank` is the place of a task among its operation's by duration, so that the 95th percentile is one of them. */
const STATS = `
  WITH run AS (
    SELECT operation, status, ended_at - started_at - waited_ms AS ms,
           ROW_NUMBER() OVER (PARTITION BY operation ORDER BY ended_at - started_at - waited_ms) AS rank,
           COUNT(*) OVER (PARTITION BY operation) AS total
    FROM tasks
    WHERE status IN ('completed', 'failed') AND started_at IS NOT NULL AND ended_at > :since
  ), recent AS (
    SELECT operation, SUM(status = 'completed') AS recently_completed, SUM(status = 'failed') AS recently_failed,
           AVG(ms) AS mean_ms, MIN(CASE WHEN rank >= 0.95 * total THEN ms END) AS p95_ms
    FROM run GROUP BY operation
  )
  SELECT operation, SUM(status = 'pending') AS pending, SUM(status = 'processing') AS processing,
         SUM(open_count > 0) AS asking,
         SUM(status = 'completed') AS completed, SUM(status = 'failed') AS failed,
         SUM(status = 'cancelled') AS cancelled,
         MIN(CASE WHEN status = 'pending' THEN COALESCE(due_at, created_at) END) AS oldest_pending_at,
         recently_completed, recently_failed, mean_ms, p95_ms
  FROM tasks LEFT JOIN recent USING (operation)
  WHERE expires_at > :now OR status = 'processing'
  GROUP BY operation ORDER BY operation`;

/** Reads how the tasks stand; of those that ended, `windowMs` milliseconds back count for durations. */
export function prepareStats(
  database: Database,
): (now: number, windowMs: number) => readonly OperationStats[] {
  const rows = prepareRows<StatsRow>(database, STATS);
  return (now, windowMs) =>
    rows({ now, since: now - windowMs }).map(row => {
      const { oldest_pending_at, recently_completed, recently_failed, mean_ms, p95_ms, ...counts } = row;
      return {
        ...counts,
        oldestWaitMs: oldest_pending_at === null ? undefined : Math.max(0, now - oldest_pending_at),
        recent: {
          completed: recently_completed ?? 0,
          failed: recently_failed ?? 0,
          meanDurationMs: mean_ms ?? undefined,
          p95DurationMs: p95_ms ?? undefined,
        },
      };
    });
}
