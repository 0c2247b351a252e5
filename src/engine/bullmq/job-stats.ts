import { type OperationStats, statsOf } from '../operation-stats.js';
import type { TaskRecord } from '../task-record.js';
import { jobToRecord } from './job-record.js';
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
  const oldest: TaskRecord[] = [];
  // In the order of a task's life: one that moves on meanwhile is seen again, not missed.
  for (const state of ['waiting', 'prioritized', 'delayed', 'active', 'completed', 'failed'] as const) {
    for (const job of await queue.list(state, { start: 0, count: SAMPLE })) {
      const record = jobToRecord(job, now);
      if (record !== undefined) byRef.set(record.taskRef, record);
    }
  }
  // The newest of each state may not be those that have waited for longest.
  for (const state of ['waiting', 'prioritized'] as const) {
    for (const job of await queue.list(state, { start: 0, count: 1, oldestFirst: true })) {
      const record = jobToRecord(job, now);
      if (record !== undefined) oldest.push(record);
    }
  }
  const counts = await queue.counts();
  /** Jobs of a state that nobody has looked at: taken for what the state says. */
  const unseen = (state: QueueState) => Math.max(0, (counts[state] ?? 0) - SAMPLE);
  const { operation } = queue;
  const seen = statsOf([...byRef.values()], { operation, now, windowMs });
  const { oldestWaitMs } = statsOf([...byRef.values(), ...oldest], { operation, now, windowMs });
  return {
    ...seen,
    oldestWaitMs,
    pending: seen.pending + unseen('waiting') + unseen('prioritized') + unseen('delayed'),
    processing: seen.processing + unseen('active'),
    completed: seen.completed + unseen('completed'),
    failed: seen.failed + unseen('failed'),
  };
}
