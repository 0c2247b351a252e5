import { type OperationStats, statsByOperation } from '../operation-stats.js';
import { isUnexpired, readStoredTask } from '../stored-task.js';
import { isListed, type ListPosition, type ListQuery, type TaskPage, toPage } from '../task-list.js';
import type { TaskRecord } from '../task-record.js';
import { operationOf } from '../task-ref.js';
import type { Fields } from './dynamodb-table.js';
import type { EngineParts } from './engine-options.js';
import { createdKey, type TaskItem, type TaskKeys } from './task-item.js';

type TaskIndexContext = Pick<EngineParts, 'table' | 'keys' | 'tasks'>;

/** What one partition answers at most of a page, before the page ends where it stands. */
const MAX_LOOKED_AT = 1000;

interface Found {
  readonly entries: readonly Fields[];
  /** Where the partition was left, if more is behind that. */
  readonly reached: ListPosition | undefined;
}

/** One page of the tasks of an owner, or of all; the newest first. */
export async function listTasks(context: TaskIndexContext, query: ListQuery): Promise<TaskPage> {
  const { keys, tasks } = context;
  const { owner } = query;
  const partitions =
    owner === undefined
      ? [...keys.partitions('unfinished'), ...keys.partitions('ended')]
      : keys.partitions({ owner });
  const index = owner === undefined ? 'states' : 'owners';
  const found = await Promise.all(
    partitions.map(partition => newestOf(context, { index, partition, query })),
  );
  const reached = found.flatMap(one => one.reached ?? []).sort(newestFirst)[0];
  const candidates = found
    .flatMap(({ entries }) => entries)
    .map(positionOf(keys))
    .filter(position => reached === undefined || newestFirst(position, reached) <= 0)
    .sort(newestFirst);
  const items = await tasks.items(
    candidates.slice(0, query.limit + 1).map(({ taskRef }) => taskRef),
    true,
  );
  const records = [...items.values()].map(readStoredTask);
  // Further candidates are left for the next page, behind the last that was read.
  const last = candidates.length > query.limit + 1 ? candidates[query.limit] : reached;
  return toPage(query, records, last);
}

/** Newest first, as far as the page may need them. */
async function newestOf(
  { table, keys }: TaskIndexContext,
  { index, partition, query }: { index: 'states' | 'owners'; partition: string; query: ListQuery },
): Promise<Found> {
  const entries: Fields[] = [];
  const name = index === 'states' ? 'statePartition' : 'ownerPartition';
  const { createdAt, taskRef } = query.after;
  const pages = table.pages({
    index,
    keys: `#${name} = :partition AND #createdKey < :after`,
    values: { partition, after: createdKey(createdAt, taskRef) },
    newestFirst: true,
    limit: Math.min(MAX_LOOKED_AT, query.limit + 1),
  });
  let lookedAt = 0;
  for await (const page of pages) {
    lookedAt += page.length;
    const now = Date.now();
    entries.push(
      ...page.filter(
        entry =>
          isUnexpired(entry as unknown as TaskItem, now) &&
          isListed(entryRecord(keys, entry), { ...query, owner: undefined }),
      ),
    );
    const lastEntry = page.at(-1);
    if (lastEntry !== undefined && (entries.length > query.limit || lookedAt >= MAX_LOOKED_AT))
      return { entries, reached: positionOf(keys)(lastEntry) };
  }
  return { entries, reached: undefined };
}

/** How all tasks stand, from the index: it is read as a whole. */
export async function readStats(
  { table, keys }: Omit<TaskIndexContext, 'tasks'>,
  windowMs: number,
): Promise<readonly OperationStats[]> {
  const now = Date.now();
  const records: TaskRecord[] = [];
  const read = async (partition: string) => {
    const query = { index: 'states', keys: '#statePartition = :partition', values: { partition } };
    for await (const page of table.pages(query)) {
      for (const entry of page) {
        if (isUnexpired(entry as unknown as TaskItem, now)) records.push(entryRecord(keys, entry));
      }
    }
  };
  await Promise.all([...keys.partitions('unfinished'), ...keys.partitions('ended')].map(read));
  return statsByOperation(records, { now, windowMs });
}

/** What an entry of an index tells of a task; the rest is as if it were not there. */
function entryRecord(keys: TaskKeys, entry: Fields): TaskRecord {
  const { taskRef, createdAt } = positionOf(keys)(entry);
  const { asking, status, startedAt, endedAt, waitedMs = 0 } = entry;
  return {
    ...(entry as unknown as TaskRecord),
    taskRef,
    createdAt,
    operation: operationOf(taskRef) ?? '',
    status: status as TaskRecord['status'],
    startedAt: startedAt as number | undefined,
    endedAt: endedAt as number | undefined,
    waitedMs: Number(waitedMs),
    inputRequests: asking === undefined ? undefined : {},
  };
}

function positionOf(keys: TaskKeys): (entry: Fields) => ListPosition {
  return entry => ({
    taskRef: keys.taskRefOf(String(entry.pk)) ?? '',
    createdAt: Number.parseInt(String(entry.createdKey), 10),
  });
}

function newestFirst(one: ListPosition, other: ListPosition): number {
  if (one.createdAt !== other.createdAt) return other.createdAt - one.createdAt;
  return one.taskRef < other.taskRef ? 1 : one.taskRef > other.taskRef ? -1 : 0;
}
