import { randomUUID } from 'node:crypto';
import type { TaskRecord } from '../task-record.js';
import { type JobData, tryContents } from './job-data.js';
import { excusedReturns, isDoomed, isTaken, jobToRecord, lostRun, type StoredJob } from './job-record.js';
import type { OperationQueue } from './operation-queue.js';

export type OnLost = (record: TaskRecord) => void;

/** Finds the jobs of workers that died. BullMQ puts them back into the queue; one that may not be run again fails. */
export async function failLost(queue: OperationQueue, onLost: OnLost): Promise<void> {
  for (const taskRef of await queue.moveStalled()) {
    const job = await queue.read(taskRef);
    if (job === undefined || isTaken(job) || job.finishedOn !== undefined) continue;
    if (isOrphaned(job)) await failOrphaned(queue, { job, onLost });
    else await noteLoss(queue, job);
  }
}

async function noteLoss(queue: OperationQueue, job: StoredJob): Promise<void> {
  // The worker that takes it fails it.
  const data = tryContents(job)?.data;
  if (data === undefined) return;
  const now = Date.now();
  // Whether it waited for an answer then cannot be told for ever.
  const excused = excusedReturns(job, data, now);
  await queue.replaceData(job, { ...data, lostRunAt: now, ...(excused > 0 && { excused }) });
}

/** Whether the job is back in the queue, may not be run again, and its task is not yet told to have failed. */
export function isOrphaned(job: StoredJob): boolean {
  if (job.stalledCounter === 0 || isTaken(job)) return false;
  const contents = tryContents(job);
  return contents !== undefined && isDoomed(job, contents.data, Date.now());
}

/** Fails the task of an orphaned job, so that no worker has to be there for it; one of several callers does. */
export async function failOrphaned(
  queue: OperationQueue,
  { job, onLost }: { readonly job: StoredJob; readonly onLost: OnLost },
): Promise<void> {
  const lost = { ...lostRun(job), at: Date.now(), by: randomUUID() };
  const data: JobData = { ...JSON.parse(job.data), lost };
  if (!(await queue.replaceData(job, data))) return;
  await queue.announceEnd(job.id);
  const record = jobToRecord({ ...job, data: JSON.stringify(data) }, Date.now());
  if (record !== undefined) onLost(record);
}
