import type { TaskRecord } from './task-record.js';

/** How the tasks of one operation stand. */
export interface OperationStats {
  readonly operation: string;
  /** Tasks that the store holds at this moment, by status. */
  readonly pending: number;
  readonly processing: number;
  /** Of the pending and processing ones, those that wait for an answer. */
  readonly asking: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** How long the oldest pending task has waited, in milliseconds; undefined when none is pending. */
  readonly oldestWaitMs: number | undefined;
  /** Tasks that were run and ended within the window that was asked for. */
  readonly recent: RecentStats;
}

export interface RecentStats {
  readonly completed: number;
  readonly failed: number;
  /** From the start of the run to its end, without its waiting for answers, in milliseconds; undefined when nothing ended. */
  readonly meanDurationMs: number | undefined;
  readonly p95DurationMs: number | undefined;
}

interface StatsTimes {
  readonly now: number;
  readonly windowMs: number;
}

/** How tasks stand, by operation in alphabetical order, from all of their records. */
export function statsByOperation(
  records: readonly TaskRecord[],
  times: StatsTimes,
): readonly OperationStats[] {
  const operations = [...new Set(records.map(({ operation }) => operation))].sort();
  return operations.map(operation =>
    statsOf(
      records.filter(record => record.operation === operation),
      { operation, ...times },
    ),
  );
}

/** How the tasks of one operation stand, from all of their records. */
export function statsOf(
  records: readonly TaskRecord[],
  { operation, now, windowMs }: StatsTimes & { readonly operation: string },
): OperationStats {
  const countOf = (status: TaskRecord['status']) => records.filter(record => record.status === status).length;
  const waits = records
    .filter(record => record.status === 'pending')
    .map(record => Math.max(0, now - record.createdAt));
  return {
    operation,
    pending: countOf('pending'),
    processing: countOf('processing'),
    asking: records.filter(record => record.inputRequests !== undefined).length,
    completed: countOf('completed'),
    failed: countOf('failed'),
    cancelled: countOf('cancelled'),
    oldestWaitMs: waits.length === 0 ? undefined : Math.max(...waits),
    recent: recentStats(records, now - windowMs),
  };
}

function recentStats(records: readonly TaskRecord[], since: number): RecentStats {
  const ended = records.filter(
    ({ status, startedAt, endedAt = 0 }) =>
      (status === 'completed' || status === 'failed') && startedAt !== undefined && endedAt > since,
  );
  const durations = ended
    .map(({ startedAt = 0, endedAt = 0, waitedMs }) => Math.max(0, endedAt - startedAt - waitedMs))
    .toSorted((a, b) => a - b);
  const completed = ended.filter(({ status }) => status === 'completed').length;
  return {
    completed,
    failed: ended.length - completed,
    meanDurationMs: durations.length === 0 ? undefined : durations.reduce((a, b) => a + b) / durations.length,
    p95DurationMs: durations[Math.ceil(0.95 * durations.length) - 1],
  };
}

/** The share of failed tasks among those that ended in the window, 0 to 1; undefined when nothing ended. */
export function failureRate({ completed, failed }: RecentStats): number | undefined {
  const ended = completed + failed;
  return ended === 0 ? undefined : failed / ended;
}
