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

/** The share of failed tasks among those that ended in the window, 0 to 1; undefined when nothing ended. */
export function failureRate({ completed, failed }: RecentStats): number | undefined {
  const ended = completed + failed;
  return ended === 0 ? undefined : failed / ended;
}
