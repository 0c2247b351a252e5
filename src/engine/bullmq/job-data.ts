import type { Progress, TaskError } from '../../types.js';
import type { WebhookDelivery } from '../task-record.js';

/** What never changes about a task. */
export interface JobTask {
  readonly owner: string;
  readonly parametersDigest: string;
  readonly parameters: unknown;
  readonly slaMs: number;
  readonly ttlMs: number;
  readonly retryAttempts: number;
  readonly delayMs: number;
  readonly webhookUrl?: string | undefined;
}

/** An end that is known before the queue has moved the job: how many times it had been started, and when it ended. */
export interface EarlyEnd {
  readonly at: number;
  readonly starts: number;
}

/**
 * The data of a job. What comes from users is JSON text inside it: PostgreSQL's `jsonb` refuses NUL characters and
 * lone surrogates.
 */
export interface JobData {
  /** JSON of a `JobTask`. */
  readonly task: string;
  /** How many runs ended because their worker handed the task back, and when the last one did. */
  readonly handedBack?: { readonly count: number; readonly at: number };
  /** Cancelled while it waited; counts as long as it has not been started since. */
  readonly cancelled?: EarlyEnd;
  /** Its worker died, and it may not be run again. */
  readonly lost?: EarlyEnd;
  /** JSON of a result that is too large for the queue's events. */
  readonly result?: string;
  /** JSON of a `WebhookDelivery`. */
  readonly delivery?: string;
}

/** Why a job is in the queue's failed set, as JSON in its `failedReason`. */
export interface FailedReason {
  /** `dropped`: it had expired before a worker took it. */
  readonly status: 'failed' | 'cancelled' | 'dropped';
  readonly error?: Required<TaskError>;
  /** As it was then: nothing that is reported later counts. */
  readonly progress?: Progress | undefined;
  /** How many times it had been run, where taking it was not for running it. */
  readonly starts?: number;
}

/** The progress of a job, as JSON text. */
export interface JobProgress {
  readonly at: number;
  readonly progress: Progress;
}

export const CANCELLED = {
  code: 'CANCELLED',
  message: 'The task was cancelled.',
  retryable: false,
} satisfies TaskError;

export const WORKER_LOST = {
  code: 'WORKER_LOST',
  message: 'The worker that ran the task died before the task was done. Start it again.',
  retryable: true,
} satisfies TaskError;

export const WORKER_STOPPED = {
  code: 'WORKER_STOPPED',
  message: 'The server was stopped before the task was done. Start it again.',
  retryable: true,
} satisfies TaskError;

export function readTask(data: JobData): JobTask {
  return JSON.parse(data.task);
}

export function readDelivery(data: JobData): WebhookDelivery | undefined {
  return data.delivery === undefined ? undefined : JSON.parse(data.delivery);
}
