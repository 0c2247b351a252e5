import type { PollInterval } from './backoff-check.js';

/** How one task of a load test ended, as far as we know. */
export type TaskFate =
  | { readonly status: 'completed' }
  | { readonly status: 'failed' | 'cancelled'; readonly code: string }
  /** The wait for it failed: whether and how it ended is not known. */
  | { readonly status: 'unknown'; readonly code: string; readonly message: string };

/** What was measured of one task. */
export interface TaskMeasurement {
  readonly fate: TaskFate;
  /** Milliseconds of the call that started it; undefined where no call has: it failed, or the tool is synchronous. */
  readonly initiateMs: number | undefined;
  /** Status requests answered. */
  readonly polls: number;
  readonly intervals: readonly PollInterval[];
  /** When it ended on the server, by the server's clock; undefined where the server does not tell. */
  readonly endedAt: number | undefined;
  /** When our client knew, by ours. */
  readonly knownAt: number | undefined;
}

/** What a restart in the middle did. */
export interface RestartMeasurement {
  /** The processes that were killed, such as `front`. */
  readonly killed: readonly string[];
  /** On the clock of `Date.now()`. */
  readonly killedAt: number;
  /** Until all that was killed was there again. */
  readonly downMs: number;
  /** Tasks that had not ended by then, as far as we knew. */
  readonly awaitedTasks: number;
  /** Connections that were lost and made anew. */
  readonly reconnects: number;
}

/** A whole load test. */
export interface LoadMeasurement {
  readonly tasks: readonly TaskMeasurement[];
  /** From the first start to the last end. */
  readonly wallMs: number;
  readonly restart: RestartMeasurement | undefined;
}
