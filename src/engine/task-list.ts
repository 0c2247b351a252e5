import type { RecordStatus, TaskRecord } from './task-record.js';

/** Most tasks of one page. */
export const MAX_LIST_LIMIT = 500;

/** Tasks on a page of `tasks/list`. */
export const LIST_LIMIT = 100;

export interface ListOptions {
  /** @default the tasks of all owners: for operators only */
  readonly owner?: string | undefined;
  /** @default every status */
  readonly statuses?: readonly RecordStatus[] | undefined;
  /** @default every operation */
  readonly operation?: string | undefined;
  /** Most tasks of the page, 1 to 500. */
  readonly limit: number;
  /** The `nextCursor` of the page before. @default the first page */
  readonly cursor?: string | undefined;
}

export interface TaskPage {
  /** The newest first. Lists leave results out: `result` is undefined in each. */
  readonly tasks: readonly TaskRecord[];
  /**
   * Where the next page begins; undefined on the last one. A store may look at a bounded number of tasks only, so that
   * a page may be short, or empty, and still not be the last.
   */
  readonly nextCursor: string | undefined;
}

/** A position in the order of lists: by time of creation, then by reference, both descending. Neither ever changes. */
export interface ListPosition {
  readonly createdAt: number;
  readonly taskRef: string;
}

/** `ListOptions`, checked. */
export interface ListQuery extends Pick<ListOptions, 'owner' | 'operation' | 'limit'> {
  readonly statuses: readonly RecordStatus[];
  /** Only tasks behind this position. */
  readonly after: ListPosition;
}

/** A cursor that no engine has made. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError';
}

export const ALL_STATUSES: readonly RecordStatus[] = [
  'pending',
  'processing',
  'completed',
  'failed',
  'cancelled',
];

const BEFORE_ALL: ListPosition = { createdAt: Number.MAX_SAFE_INTEGER, taskRef: '' };

/** @throws InvalidCursorError, and RangeError for a limit out of its bounds */
export function toListQuery({
  owner,
  statuses = ALL_STATUSES,
  operation,
  limit,
  cursor,
}: ListOptions): ListQuery {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIST_LIMIT) {
    throw new RangeError(`Expected \`limit\` to be a whole number from 1 to ${MAX_LIST_LIMIT}, got ${limit}`);
  }
  const after = cursor === undefined ? BEFORE_ALL : readCursor(cursor);
  return {
    owner,
    statuses: ALL_STATUSES.filter(status => statuses.includes(status)),
    operation,
    limit,
    after,
  };
}

/** Whether `one` stands behind `other` in a list. */
export function isBehind(one: ListPosition, other: ListPosition): boolean {
  if (one.createdAt !== other.createdAt) return one.createdAt < other.createdAt;
  return one.taskRef < other.taskRef;
}

/** Where the search of a store stopped, if it may have missed tasks behind that. */
export type Reached = ListPosition | undefined;

/** The page of the records that a store has found, in whichever order: one that was found twice counts as it was last. */
export function toPage(query: ListQuery, found: readonly TaskRecord[], reached?: Reached): TaskPage {
  const certain = [...new Map(found.map(record => [record.taskRef, record])).values()]
    .filter(record => isListed(record, query))
    .filter(record => reached === undefined || !isBehind(record, reached))
    .toSorted((one, other) => (isBehind(one, other) ? 1 : -1));
  const tasks = certain.slice(0, query.limit).map(record => ({ ...record, result: undefined }));
  const end = certain.length > query.limit ? tasks.at(-1) : reached;
  return { tasks, nextCursor: end && writeCursor(end) };
}

/** Whether a record that has not expired belongs into a list. */
export function isListed(record: TaskRecord, { owner, statuses, operation, after }: ListQuery): boolean {
  return (
    statuses.includes(record.status) &&
    (owner === undefined || record.owner === owner) &&
    (operation === undefined || record.operation === operation) &&
    isBehind(record, after)
  );
}

function writeCursor({ createdAt, taskRef }: ListPosition): string {
  return Buffer.from(JSON.stringify([createdAt, taskRef])).toString('base64url');
}

function readCursor(cursor: string): ListPosition {
  const [createdAt, taskRef, ...more] = parse(Buffer.from(cursor, 'base64url').toString());
  const isPosition = Number.isSafeInteger(createdAt) && typeof taskRef === 'string' && more.length === 0;
  if (!isPosition) {
    throw new InvalidCursorError(
      'The cursor is none that this server has made. Leave it out to begin with the newest tasks.',
    );
  }
  return { createdAt: Number(createdAt), taskRef };
}

function parse(json: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/** The words for statuses where people read them. */
export const STATUS_BY_STATE = {
  waiting: 'pending',
  running: 'processing',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
} as const satisfies Readonly<Record<string, RecordStatus>>;

export type StateWord = keyof typeof STATUS_BY_STATE;

export const TASK_STATES = Object.keys(STATUS_BY_STATE) as readonly StateWord[];

/** A status in such a word; `asking` of a task that waits for an answer. */
export function stateOf({ status, inputRequests }: TaskRecord): StateWord | 'asking' {
  if (inputRequests !== undefined) return 'asking';
  return status === 'pending' ? 'waiting' : status === 'processing' ? 'running' : status;
}
