import { toRecord } from './job-record.js';
import type { OperationQueue, QueueState } from './operation-queue.js';

const PAGE = 100;
const MOST_PAGES = 10;

/** Where the next look for expired tasks of a queue begins, by the queue's state. */
export type SweepPlaces = Map<QueueState, number>;

/**
 * Removes tasks that have expired, a thousand jobs of each state at a time, from the oldest on. BullMQ itself removes
 * only what is older than any task may be kept.
 */
export async function removeExpired(queue: OperationQueue, places: SweepPlaces): Promise<void> {
  for (const state of ['completed', 'failed', 'waiting'] as const) {
    for (let page = 0; page < MOST_PAGES; page++) {
      const start = places.get(state) ?? 0;
      const jobs = await queue.list(state, { start, count: PAGE, oldestFirst: true });
      const expired = jobs.filter(job => toRecord(job, Date.now()) === undefined);
      for (const { id } of expired) await queue.remove(id);
      const isLast = jobs.length < PAGE;
      places.set(state, isLast ? 0 : start + PAGE - expired.length);
      if (isLast) break;
    }
  }
}
