import { jobToRecord } from './job-record.js';
import type { OperationQueue } from './operation-queue.js';
import type { QueueState } from './queue-connection.js';

const PAGE = 100;
/** Of one state, before others have their turn. */
const MAX_PAGES = 100;
/** Pages in a row on which nothing has expired. */
const MAX_IDLE_PAGES = 5;
const AT_ONCE = 5;

/** Where the next look for expired tasks of a queue begins, by the queue's state. */
export type SweepPositions = Map<QueueState, number>;

/**
 * Removes tasks that have expired, from the oldest on, for as long as there are many. BullMQ itself removes only what is
 * older than any task may be kept.
 */
export async function removeExpired(queue: OperationQueue, positions: SweepPositions): Promise<void> {
  for (const state of ['completed', 'failed', 'waiting', 'prioritized'] as const) {
    for (let page = 0, idlePages = 0; page < MAX_PAGES && idlePages < MAX_IDLE_PAGES; page++) {
      const start = positions.get(state) ?? 0;
      const jobs = await queue.list(state, { start, count: PAGE, oldestFirst: true });
      const expired = jobs.filter(job => jobToRecord(job, Date.now()) === undefined);
      await removeAll(
        queue,
        expired.map(({ id }) => id),
      );
      const isLast = jobs.length < PAGE;
      positions.set(state, isLast ? 0 : start + PAGE - expired.length);
      if (isLast) break;
      idlePages = expired.length === 0 ? idlePages + 1 : 0;
    }
  }
}

async function removeAll(queue: OperationQueue, taskRefs: readonly string[]): Promise<void> {
  for (let index = 0; index < taskRefs.length; index += AT_ONCE) {
    await Promise.all(taskRefs.slice(index, index + AT_ONCE).map(taskRef => queue.remove(taskRef)));
  }
}
