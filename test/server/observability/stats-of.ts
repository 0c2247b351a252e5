import type { OperationStats, RecentStats } from '../../../src/engine/operation-stats.js';

const NOTHING: RecentStats = { completed: 0, failed: 0, meanDurationMs: undefined, p95DurationMs: undefined };

/** How the tasks of an operation stand: none, but for what is said. */
export function statsOf(
  operation: string,
  stats: Partial<Omit<OperationStats, 'recent'>> & { readonly recent?: Partial<RecentStats> } = {},
): OperationStats {
  const none = {
    pending: 0,
    processing: 0,
    asking: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    oldestWaitMs: undefined,
  };
  return { ...none, ...stats, operation, recent: { ...NOTHING, ...stats.recent } };
}
