import { digestJson } from '../../storage/canonical-json.js';
import { type OperationStats, statsOf } from '../operation-stats.js';
import type { StoreCalls } from '../store-calls.js';
import {
  ALL_STATUSES,
  isListed,
  type ListPosition,
  type ListQuery,
  type TaskPage,
  toPage,
} from '../task-list.js';
import type { RecordStatus, TaskRecord } from '../task-record.js';
import type { Newest, OfStatus, RecordStore } from './record-store.js';
import { unexpiredRecords } from './task-fields.js';

/** Looks for one page. What a filter leaves out costs looks; the next page goes on from there. */
const MAX_LOOKS = 20;
/** Tasks that are looked at in each status for statistics; what is beyond is only counted. */
const SAMPLE = 500;

export async function listRecords(
  records: RecordStore,
  calls: StoreCalls,
  query: ListQuery,
): Promise<TaskPage> {
  const { owner, operation, statuses, limit } = query;
  const ownerDigest = owner === undefined ? undefined : digestJson(owner);
  const found: TaskRecord[] = [];
  let reached: ListPosition | undefined = query.after;
  for (let looks = 0; looks < MAX_LOOKS && found.length <= limit && reached !== undefined; looks++) {
    const look = { ownerDigest, operation, statuses, count: limit + 1, after: reached };
    const newest: Newest = await calls.make(() => records.newest(look));
    found.push(...unexpiredRecords(newest.tasks, Date.now()).filter(record => isListed(record, query)));
    reached = newest.reached;
  }
  return toPage(query, found, reached);
}

/**
 * How the tasks of one operation stand. The store counts them; durations and rates come from the newest 500 of each
 * status.
 */
export async function readOperationStats(
  records: RecordStore,
  operation: string,
  windowMs: number,
): Promise<OperationStats> {
  const now = Date.now();
  const recordsOf = async (query: Omit<OfStatus, 'operation'>) =>
    unexpiredRecords(await records.ofStatus({ operation, ...query }), now);
  const counts = await records.counts(operation);
  const byRef = new Map<string, TaskRecord>();
  // In the order of a task's life: one that moves on meanwhile is seen again, not missed.
  for (const status of ALL_STATUSES)
    for (const record of await recordsOf({ status, count: SAMPLE })) byRef.set(record.taskRef, record);
  // The newest may not be those that have waited for longest.
  const oldest = await recordsOf({ status: 'pending', count: 1, oldestFirst: true });
  const seen = statsOf([...byRef.values()], { operation, now, windowMs });
  const { oldestWaitMs } = statsOf([...byRef.values(), ...oldest], { operation, now, windowMs });
  const total = (status: RecordStatus) => seen[status] + Math.max(0, (counts[status] ?? 0) - SAMPLE);
  const totals = Object.fromEntries(ALL_STATUSES.map(status => [status, total(status)]));
  return { ...seen, ...totals, oldestWaitMs };
}
