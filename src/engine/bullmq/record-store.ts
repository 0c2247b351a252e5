import type { RunName, TaskChange } from '../conditional-tasks.js';
import type { ListPosition, ListQuery } from '../task-list.js';
import type { RecordStatus } from '../task-record.js';
import type { TaskFields } from './task-fields.js';

/** A change, and what those who wait are told of it. */
export interface RecordChange extends TaskChange {
  readonly word?: ChangeWord | undefined;
  /** Whether it begins a run, which is counted. @default false */
  readonly begins?: boolean | undefined;
}

export type ChangeWord = 'ended' | 'changed';

/** How far one look of a list goes, whatever it leaves out: about 2 ms of the store's time. */
export const LOOKED_AT = 1000;

export interface NewestQuery extends Pick<ListQuery, 'operation' | 'statuses' | 'after'> {
  /** @default those of all owners */
  readonly ownerDigest?: string | undefined;
  readonly count: number;
}

export interface Newest {
  readonly tasks: readonly TaskFields[];
  /** How far the search came; undefined where nothing is left. */
  readonly reached: ListPosition | undefined;
}

export interface OfStatus {
  readonly operation: string;
  readonly status: RecordStatus;
  readonly count: number;
  /** By time of its last change. @default false: the newest come first */
  readonly oldestFirst?: boolean | undefined;
}

export type NewFields = TaskFields & Readonly<Record<'taskRef' | 'operation' | 'ownerDigest', string>>;

/** The records of an installation's tasks: the truth about them. Each call does no harm when it is made twice. */
export interface RecordStore {
  /** Whether what it is asked takes effect in the order of the calls, together with what the queues are asked. */
  readonly isOrdered: boolean;
  /** Adds a task, unless another one holds the key: the reference of the task or of that one. */
  insert(task: NewFields): Promise<string>;
  /** The task with its result. */
  read(taskRef: string): Promise<TaskFields | undefined>;
  /** Those of the tasks that there are, without their results. */
  readMany(taskRefs: readonly string[]): Promise<readonly TaskFields[]>;
  /** The task with this idempotency key. */
  holderOf(key: string): Promise<string | undefined>;
  /**
   * Changes a task, unless it is not as the change says: undefined then. Where a run begins, the answer is the task with its
   * parameters.
   */
  change(taskRef: string, change: RecordChange): Promise<TaskFields | undefined>;
  newest(query: NewestQuery): Promise<Newest>;
  ofStatus(query: OfStatus): Promise<readonly TaskFields[]>;
  /** All operations that there are tasks of, and perhaps more. */
  operations(): Promise<readonly string[]>;
  /** How many tasks of an operation are in each status, also those that have expired. */
  counts(operation: string): Promise<Readonly<Partial<Record<RecordStatus, number>>>>;
  /** Some of the tasks that run, and whose worker no longer holds the lock on their message. */
  lost(operation: string): Promise<readonly RunName[]>;
  /** Some of the tasks that have expired. */
  expired(count: number): Promise<readonly string[]>;
  /** Removes those of the tasks that have expired. */
  remove(taskRefs: readonly string[]): Promise<void>;
  /**
   * Calls `onWord` for each change that has a word, whichever process made it, from the time on at which the answer
   * resolves; `onGap` when some may have been missed.
   */
  listen(listener: ChangeListener): Promise<void>;
}

export interface ChangeListener {
  readonly onWord: (taskRef: string, word: ChangeWord) => void;
  readonly onGap: () => void;
}
