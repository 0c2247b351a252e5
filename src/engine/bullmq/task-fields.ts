import { parseFields } from '../record-shape.js';
import { isUnexpired, readStoredTask, type StoredTask } from '../stored-task.js';
import type { RecordStatus, TaskRecord } from '../task-record.js';

/** What a record is made of, beside `parameters` and `result`, which may be large. */
export const RECORD_FIELDS = [
  'taskRef',
  'task',
  'status',
  'worker',
  'version',
  'createdAt',
  'updatedAt',
  'startedAt',
  'endedAt',
  'expiresAt',
  'runCount',
  'excusedRuns',
  'waitedMs',
  'questions',
  'delivery',
  'progress',
  'error',
] as const;

/** What the stores index, beside. */
const INDEX_FIELDS = ['operation', 'ownerDigest', 'key', 'parameters', 'result'] as const;

export const ALL_FIELDS = [...RECORD_FIELDS, ...INDEX_FIELDS] as const;

/**
 * A task as a store answers it. Numbers may be texts. What never changes and is not indexed is JSON in `task`. What comes
 * from users is JSON: PostgreSQL refuses NUL characters.
 */
export type TaskFields = Readonly<Partial<Record<(typeof ALL_FIELDS)[number], string | number | null>>>;

export function toStoredTask({ task, ...fields }: TaskFields): StoredTask {
  const { taskRef, status } = fields;
  return { ...fixedPart(task), ...fields, taskRef: String(taskRef), status: status as RecordStatus };
}

/** The records of those that have not expired by `now`. */
export function unexpiredRecords(tasks: readonly TaskFields[], now: number): readonly TaskRecord[] {
  return tasks
    .map(toStoredTask)
    .filter(stored => isUnexpired(stored, now))
    .map(readStoredTask);
}

/** Nothing where it cannot be read: then the record cannot either. */
function fixedPart(task: TaskFields['task']): Partial<StoredTask> {
  try {
    return parseFields(String(task));
  } catch {
    return {};
  }
}
