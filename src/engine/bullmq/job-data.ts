import type { Progress, TaskError } from '../../types.js';
import type { Questions } from '../question.js';
import { checkTypes, InvalidRecordError, parseFields, parseQuestions } from '../record-shape.js';
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
  readonly inputTimeoutMs?: number | undefined;
  readonly webhookUrl?: string | undefined;
}

/** The end of a task whose job waits, and was written there before anybody took it out of the queue: it is for good. */
export interface EarlyEnd {
  readonly at: number;
  /** Random: of two processes that write the same at once, one has written it. */
  readonly by: string;
  /** How many times the task had been run. */
  readonly runCount: number;
  readonly startedAt?: number | undefined;
  readonly progress?: Progress | undefined;
}

/**
 * The data of a job. They are replaced only where nobody has changed them, or taken the job, since they were read.
 * What comes from users is JSON text inside them: PostgreSQL's `jsonb` refuses NUL characters and lone surrogates.
 */
export interface JobData {
  /** JSON of a `JobTask`. */
  readonly task: string;
  /** The SHA-256 of the owner's name as JSON, for lists. */
  readonly ownerDigest: string;
  /** Cancelled while it waited. */
  readonly cancelled?: EarlyEnd;
  /** Its worker died, and it may not be run again. */
  readonly lost?: EarlyEnd;
  /** When the last run was found to be lost, and the task came back into the queue. */
  readonly lostRunAt?: number;
  /** JSON of the `Questions` that runs have asked. */
  readonly questions?: string;
  /** How many times the task had come back into the queue when the run began that asked last, of those that count. */
  readonly counted?: number;
  /** How many times it came back while it waited for an answer. */
  readonly excused?: number;
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
  readonly runCount?: number;
}

/** The progress of a job, as JSON text. */
export interface JobProgress {
  readonly at: number;
  readonly progress: Progress;
}

/** What a job says of its task, and how that stands. */
export interface JobContents {
  readonly data: JobData;
  readonly task: JobTask;
}

/** All of a job's data. @throws InvalidRecordError when a part of them cannot be read */
export function readContents(job: { readonly data: string }): JobContents {
  const data = parseFields(job.data) as unknown as JobData;
  checkTypes('string', data.task);
  const task = readJobTask(data);
  checkTypes('string', task.owner, task.parametersDigest);
  checkTypes('number', task.slaMs, task.ttlMs, task.retryAttempts, task.delayMs);
  readJobQuestions(data);
  readDelivery(data);
  return { data, task };
}

/** The same; undefined when a part of them cannot be read. */
export function tryContents(job: { readonly data: string }): JobContents | undefined {
  try {
    return readContents(job);
  } catch (error) {
    if (error instanceof InvalidRecordError) return undefined;
    throw error;
  }
}

export function readJobTask(data: JobData): JobTask {
  return parseFields(data.task) as unknown as JobTask;
}

export function readJobQuestions({ questions }: JobData): Questions {
  return questions === undefined ? [] : parseQuestions(questions);
}

export function readDelivery(data: JobData): WebhookDelivery | undefined {
  return data.delivery === undefined ? undefined : (parseFields(data.delivery) as unknown as WebhookDelivery);
}
