import { digestJson } from '../../storage/canonical-json.js';
import {
  isBehind,
  isListed,
  type ListPosition,
  type ListQuery,
  type TaskPage,
  toPage,
} from '../task-list.js';
import type { TaskRecord } from '../task-record.js';
import { jobToRecord } from './job-record.js';
import type { OperationQueue } from './operation-queue.js';

/** Looks into one queue for one page. What a filter leaves out costs looks; the next page goes on from there. */
const MAX_LOOKS = 20;

/** A page of the tasks of several queues: each queue gives its newest, and stands for what comes before it has stopped. */
export async function listJobs(queues: readonly OperationQueue[], query: ListQuery): Promise<TaskPage> {
  const parts = await Promise.all(queues.map(queue => listQueue(queue, query)));
  // Behind the newest position at which a search stopped, tasks of that queue may be missing.
  const [reached] = parts
    .flatMap(part => part.reached ?? [])
    .toSorted((one, other) => (isBehind(one, other) ? 1 : -1));
  return toPage(
    query,
    parts.flatMap(({ found }) => found),
    reached,
  );
}

interface Part {
  readonly found: readonly TaskRecord[];
  readonly reached: ListPosition | undefined;
}

async function listQueue(queue: OperationQueue, query: ListQuery): Promise<Part> {
  const { owner, statuses, limit } = query;
  const ownerDigest = owner === undefined ? undefined : digestJson(owner);
  const found: TaskRecord[] = [];
  let reached: ListPosition | undefined = query.after;
  for (let looks = 0; looks < MAX_LOOKS && found.length <= limit; looks++) {
    const newest = await queue.newest({ ownerDigest, statuses, count: limit + 1, after: reached });
    const records = newest.jobs.flatMap(job => jobToRecord(job, Date.now()) ?? []);
    found.push(...records.filter(record => isListed(record, query)));
    reached = newest.reached;
    if (reached === undefined) break;
  }
  return { found, reached };
}
