import type { IQueueBackend } from 'bullmq';
import type { StoreNotice } from '../engine.js';
import type { RecordStore } from './record-store.js';

/** Times of BullMQ's locks, in milliseconds, such that a dead worker is noticed within `leaseMs` of its death. */
export interface LockTimes {
  /** How long a lock lasts that nobody renews. */
  readonly lockDurationMs: number;
  /** Between two renewals. */
  readonly renewIntervalMs: number;
  /** Between two looks for jobs whose lock has lapsed. A job is marked by one look and moved by a later one. */
  readonly checkIntervalMs: number;
}

/** A lapse and the two looks that it takes are nine tenths of `leaseMs` at most. */
export function lockTimes(leaseMs: number): LockTimes {
  return {
    lockDurationMs: Math.ceil(leaseMs / 2),
    renewIntervalMs: Math.ceil(leaseMs / 8),
    checkIntervalMs: Math.ceil(leaseMs / 5),
  };
}

export interface QueueConnectOptions {
  /** Letters, digits, `_`, `-` and `:`, the last no `:`. */
  readonly prefix: string;
  readonly locks: LockTimes;
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
  /** A queue's jobs, over the connection that all of them share. */
  backend(name: string): IQueueBackend;
  /** The same over a connection that can wait for a job. */
  waiting(name: string): IQueueBackend;
  readonly locks: LockTimes;
  readonly records: RecordStore;
  /** For how long a worker may wait for a word of a new job before it asks. */
  readonly maxIdleMs: number;
  /** Whether an error means that the store could not be reached, so that trying again may help. */
  isConnectionError(error: unknown): boolean;
  /** Ends all of them. */
  close(): Promise<void>;
}

/**
 * Locks and their loss are BullMQ's; that a task is run again, or not, is told by its own `retryAttempts`, so that no
 * queue fails a job for having stalled.
 */
export function backendOptions({ lockDurationMs, checkIntervalMs }: LockTimes) {
  return {
    lockDuration: lockDurationMs,
    stalledInterval: checkIntervalMs,
    // PostgreSQL keeps it as an `integer`, and looks for no stalled job at all where it does not fit.
    maxStalledCount: 2 ** 31 - 1,
  };
}
