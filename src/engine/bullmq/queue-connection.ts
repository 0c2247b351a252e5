import type { IQueueBackend, JobProgress, Queue, Worker } from 'bullmq';
import type { StoreNotice } from '../engine.js';
import type { LockTimes } from './lock-times.js';
import type { RecordStore } from './record-store.js';

/** What a message holds is the name of the task's owner, as JSON. */
export type StoreQueue = Queue<string, string, string, string, string, string, IQueueBackend>;
export type StoreWorker = Worker<string, string, string, IQueueBackend, JobProgress>;

export interface QueueConnectOptions {
  /** Letters, digits, `_`, `-` and `:`, the last no `:`. */
  readonly prefix: string;
  readonly locks: LockTimes;
}

/** The job that is taken next. */
export interface QueueHead {
  readonly taskRef: string;
  /** 0 for one that is `waiting`. */
  readonly priority: number;
  /** JSON of its data. */
  readonly data: string;
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
  readonly locks: LockTimes;
  readonly records: RecordStore;
  /** The job that is taken next; undefined where none waits. */
  head(name: string): Promise<QueueHead | undefined>;
  /** The least priority of the jobs that have one; 0 without any. */
  leastPriority(name: string): Promise<number>;
  /** Without a processor: it hands out jobs when it is asked. */
  worker(name: string): StoreWorker;
  /** For how long a worker may wait for a word of a new job before it asks. */
  readonly maxIdleMs: number;
  /** Whether an error means that the store could not be reached, so that trying again may help. */
  isConnectionError(error: unknown): boolean;
  /** Ends the connection that is shared; each worker and each reader of events ends its own. */
  close(): Promise<void>;
}

/** Nobody reads the queue's events. */
export const QUEUE_OPTIONS = { streams: { events: { maxLen: 1 } } };

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
