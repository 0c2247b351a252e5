import type { TaskRecord } from '../task-record.js';
import type { JobData } from './job-data.js';
import { isDoomed, toRecord } from './job-record.js';
import type { OperationQueue, QueueState } from './operation-queue.js';

const PAGE = 100;
const MOST_PAGES = 10;

/**
 * Finds the jobs of workers that died. BullMQ puts them back into the queue; one that may not be run again is told to
 * have ended, so that no worker has to be there for it. The answer is the tasks that were lost for good.
 */
export async function failLost(queue: OperationQueue): Promise<readonly TaskRecord[]> {
  const records: TaskRecord[] = [];
  for (const taskRef of await queue.moveStalled()) {
    const job = await queue.read(taskRef);
    if (job === undefined || job.finishedOn !== undefined) continue;
    const data: JobData = JSON.parse(job.data);
    if (!isDoomed(job, data)) continue;
    const lost = { at: Date.now(), starts: job.attemptsStarted };
    await queue.updateData(job, { ...data, lost });
    await queue.announceEnd(taskRef);
    const record = toRecord((await queue.read(taskRef)) ?? job, Date.now());
    if (record !== undefined) records.push(record);
  }
  return records;
}

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
