import type { OperationStats, RecentStats } from '../operation-stats.js';
import type { TaskRecord } from '../task-record.js';
import { toRecord } from './job-record.js';
import type { OperationQueue } from './operation-queue.js';
import type { QueueState } from './queue-connection.js';

/** Jobs that are looked at in each state; what is beyond is only counted. */
const SAMPLE = 500;

/**
 * How the tasks of one operation stand. The queue counts its jobs; durations, rates and what a state does not tell
 * (cancelled tasks are among the failed jobs) come from the newest 500 of each state.
 */
export async function readJobStats(queue: OperationQueue, windowMs: number): Promise<OperationStats> {
  const now = Date.now();
  const byRef = new Map<string, TaskRecord>();
  // In the order of a task's life: one that moves on meanwhile is seen again, not missed.
  for (const state of ['waiting', 'prioritized', 'delayed', 'active', 'completed', 'failed'] as const) {
    for (const job of await queue.list(state, { start: 0, count: SAMPLE })) {
      const record = toRecord(job, now);
      if (record !== undefined) byRef.set(record.taskRef, record);
    }
  }
  const records = [...byRef.values()];
  const counts = await queue.counts();
  const countOf = (status: TaskRecord['status']) => records.filter(record => record.status === status).length;
  /** Jobs of a state that nobody has looked at: taken for what the state says. */
  const unseen = (state: QueueState) => Math.max(0, (counts[state] ?? 0) - SAMPLE);
  const first = { start: 0, count: 1, oldestFirst: true };
  const [oldest] = await queue.list('waiting', first);
  const [oldestTurn] = await queue.list('prioritized', first);
  return {
    operation: queue.operation,
    pending: countOf('pending') + unseen('waiting') + unseen('prioritized') + unseen('delayed'),
    processing: countOf('processing') + unseen('active'),
    asking: records.filter(record => record.inputRequests !== undefined).length,
    completed: countOf('completed') + unseen('completed'),
    failed: countOf('failed') + unseen('failed'),
    cancelled: countOf('cancelled'),
    oldestWaitMs: longestWaitMs(
      [...records, ...[oldest, oldestTurn].map(job => job && toRecord(job, now))],
      now,
    ),
    recent: recentStats(records, now - windowMs),
  };
}

function longestWaitMs(records: readonly (TaskRecord | undefined)[], now: number): number | undefined {
  const waits = records
    .filter(record => record?.status === 'pending')
    .map(record => now - (record?.createdAt ?? now));
  return waits.length === 0 ? undefined : Math.max(0, ...waits);
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
