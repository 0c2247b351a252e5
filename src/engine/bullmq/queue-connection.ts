import type { IQueueBackend } from 'bullmq';
import type { StoreNotice } from '../engine.js';
import { failureCode } from '../store-failure.js';
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
  /** Told each time why the store cannot be reached. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** The connections of one engine to its store. */
export interface QueueConnection {
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

const SYSTEM = /^(E(CONN|HOST|NET|PIPE|TIMEDOUT|AI_AGAIN)|ENOTFOUND)/;
/** What a failover or a restart makes a server answer for a while, or once. */
const REDIS = /^(READONLY|LOADING|MASTERDOWN|NOSCRIPT)/;
/**
 * SQLSTATE class 08, `57P01` to `57P03` and `53300`: the connection broke, or the server stops, starts or has too many;
 * `25006`: it takes no writes, as for a while after a failover; `40P01`: BullMQ's transactions were in each other's way.
 */
const POSTGRES = /^(08|57P0[123]|53300|25006|40P01)/;
const WORDS_OF_PG = /Connection terminated|timeout exceeded|timeout expired|read timeout/;

/** Whether an error means that the store could not be reached, so that trying again may help. */
export function isConnectionError(error: unknown): boolean {
  const code = failureCode(error);
  const isOfPg = error instanceof Error && WORDS_OF_PG.test(error.message);
  return isOfPg || [SYSTEM, REDIS, POSTGRES].some(codes => codes.test(code));
}
