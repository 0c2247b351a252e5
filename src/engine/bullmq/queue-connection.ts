import type { IQueueBackend, JobProgress, Queue, Worker } from 'bullmq';
import type { StoreNotice } from '../engine.js';
import type { ListPosition } from '../task-list.js';
import type { RecordStatus } from '../task-record.js';
import type { JobData } from './job-data.js';
import type { StoredJob } from './job-record.js';
import type { LockTimes } from './lock-times.js';

export type StoreQueue = Queue<JobData, string, string, JobData, string, string, IQueueBackend>;
export type StoreWorker = Worker<JobData, string, string, IQueueBackend, JobProgress>;

export interface QueueConnectOptions {
  /** Letters, digits, `_`, `-` and `:`, the last no `:`. */
  readonly prefix: string;
  readonly locks: LockTimes;
}

/** New data of a job, as JSON, and the job as it was read. */
export interface DataChange {
  readonly job: Pick<StoredJob, 'id' | 'data' | 'attemptsStarted'>;
  readonly data: string;
}

/** `prioritized` jobs wait, too: behind those that are `waiting`, in the order of their priorities. */
export const QUEUE_STATES = ['waiting', 'prioritized', 'delayed', 'active', 'completed', 'failed'] as const;
export type QueueState = (typeof QUEUE_STATES)[number];

/** The job that is taken next. */
export interface QueueHead {
  readonly taskRef: string;
  /** 0 for one that is `waiting`. */
  readonly priority: number;
  /** JSON of its data. */
  readonly data: string;
}

/** Some of many, in the order of their places in the queue, or of their ends. */
export interface Page {
  readonly start: number;
  readonly count: number;
  /** @default false: the newest come first */
  readonly oldestFirst?: boolean | undefined;
}

/** A job as lists know it. */
export interface NotedJob {
  readonly taskRef: string;
  readonly ownerDigest: string;
  readonly createdAt: number;
}

/** Jobs that one look of a list goes through, whatever it leaves out: about 2 ms of the store's time. */
export const LOOKED_AT = 1000;

export interface NewestQuery {
  /** @default those of all owners */
  readonly ownerDigest?: string | undefined;
  /** Jobs whose tasks have others may come, too. */
  readonly statuses: readonly RecordStatus[];
  readonly count: number;
  readonly after: ListPosition;
}

export interface NewestJobs {
  readonly jobs: readonly StoredJob[];
  /** How far the search came; undefined where nothing is left. */
  readonly reached: ListPosition | undefined;
}

export interface EndsOptions {
  /** The id of the last of the queue's events that is known. */
  readonly since: string;
  readonly onEnd: (taskRef: string) => void;
  /** Told of other changes while `hearsChanges`. */
  readonly onChange: (taskRef: string) => void;
  readonly hearsChanges: () => boolean;
}

/** The queue's events after which a task's record differs, though it has not ended; the last one is the engine's own. */
export const CHANGE_EVENTS = ['active', 'progress', 'waiting', 'changed'] as const;
/** Those with which it has; the last one is the engine's own. */
export const END_EVENTS = ['completed', 'failed', 'ended'] as const;

export interface StoreEnds {
  close(): Promise<void>;
}

/** The connections of one engine to its store. */
export interface QueueConnection {
  /** Why the store could not be reached the last time that it could not. */
  readonly lastError: Error | undefined;
  /**
   * Resolves when the store has answered, and its tables are there: with what an operator should know of it.
   * @throws when it cannot keep tasks
   */
  ready(): Promise<readonly StoreNotice[]>;
  queue(name: string): StoreQueue;
  /** A queue's jobs, over the connection that all of them share. */
  backend(name: string): IQueueBackend;
  /**
   * Replaces a job's data unless they have been changed, or the job was taken, since it was read: BullMQ itself only
   * overwrites. Making it twice is making it once.
   */
  replaceData(name: string, change: DataChange): Promise<boolean>;
  /** Whether a queue, which need not exist, has the job. */
  hasJob(name: string, jobId: string): Promise<boolean>;
  /** Jobs of one state. */
  list(name: string, state: QueueState, page: Page): Promise<readonly StoredJob[]>;
  /** The newest jobs in whichever state, by time of creation, without their results. */
  newest(name: string, query: NewestQuery): Promise<NewestJobs>;
  /** Notes jobs for `newest`, before they are added: nothing to do where a store has an index of its own. */
  note(name: string, jobs: readonly NotedJob[]): Promise<void>;
  /** Forgets jobs that were noted, and were removed or not added. */
  forget(name: string, jobs: readonly NotedJob[]): Promise<void>;
  /** Forgets what the queue itself has removed of the jobs created before that time. */
  prune(name: string, createdBefore: number): Promise<void>;
  /** The job that is taken next; undefined where none waits. */
  head(name: string): Promise<QueueHead | undefined>;
  /** The least priority of the jobs that have one; 0 without any. */
  leastPriority(name: string): Promise<number>;
  /** Without a processor: it hands out jobs when it is asked. */
  worker(name: string): StoreWorker;
  /** Tells of each end of a queue's tasks, and of other changes, perhaps more than once, until it is closed. */
  ends(name: string, options: EndsOptions): StoreEnds;
  /** For how long a worker may wait for a word of a new job before it asks. */
  readonly maxIdleMs: number;
  /** Whether an error means that the store could not be reached, so that trying again may help. */
  isConnectionError(error: unknown): boolean;
  /** Ends the connection that is shared; each worker and each reader of events ends its own. */
  close(): Promise<void>;
}

/** Few enough for a reader that was away to catch up, enough for a busy second. */
export const MAX_EVENTS = 10_000;

export const QUEUE_OPTIONS = { streams: { events: { maxLen: MAX_EVENTS } } };

/**
 * Locks and their loss are BullMQ's; that a task is run again, or not, is told by its own `retryAttempts`, so that no
 * queue fails a job for having stalled.
 */
export function workerOptions({ lockDurationMs, checkIntervalMs }: LockTimes) {
  return {
    autorun: false,
    lockDuration: lockDurationMs,
    stalledInterval: checkIntervalMs,
    // PostgreSQL keeps it as an `integer`, and looks for no stalled job at all where it does not fit.
    maxStalledCount: 2 ** 31 - 1,
  };
}
