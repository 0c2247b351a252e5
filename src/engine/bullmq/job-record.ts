import type { JobJson } from 'bullmq';
import type { Progress, TaskError } from '../../types.js';
import type { RecordStatus, TaskRecord } from '../task-record.js';
import { operationOf } from '../task-ref.js';
import {
  CANCELLED,
  type EarlyEnd,
  type FailedReason,
  type JobData,
  type JobProgress,
  type JobTask,
  readDelivery,
  readTask,
  WORKER_LOST,
} from './job-data.js';

/** The fields of a job that tell how its task stands. */
export type StoredJob = Pick<
  JobJson,
  | 'id'
  | 'data'
  | 'timestamp'
  | 'attemptsStarted'
  | 'stalledCounter'
  | 'processedOn'
  | 'finishedOn'
  | 'failedReason'
  | 'returnvalue'
  | 'progress'
>;

/** How a task stands, beyond what never changes. */
interface Standing {
  readonly status: RecordStatus;
  readonly updatedAt: number;
  readonly startedAt?: number | undefined;
  readonly endedAt?: number | undefined;
  readonly runCount: number;
  readonly progress?: Progress | undefined;
  readonly result?: unknown;
  readonly error?: Required<TaskError> | undefined;
}

/** A job's task as a record; undefined when it has expired by `now`. One read of a job is enough to tell. */
export function toRecord(job: StoredJob, now: number): TaskRecord | undefined {
  const data: JobData = JSON.parse(job.data);
  return recordOf(job, { data, task: readTask(data), now });
}

export interface RecordContext {
  /** The job's data, parsed. */
  readonly data: JobData;
  /** What the data says about the task, parsed. */
  readonly task: JobTask;
  readonly now: number;
}

/** `toRecord` for whoever has parsed the job's data. */
export function recordOf(job: StoredJob, { data, task, now }: RecordContext): TaskRecord | undefined {
  const standing = standingOf(job, data);
  if (standing === undefined) return undefined;
  const expiresAt = (standing.endedAt ?? waitsSince(job, data, task.delayMs)) + task.ttlMs;
  if (standing.status !== 'processing' && expiresAt <= now) return undefined;
  return {
    taskRef: job.id,
    owner: task.owner,
    operation: operationOf(job.id) ?? '',
    status: standing.status,
    parametersDigest: task.parametersDigest,
    createdAt: job.timestamp,
    updatedAt: standing.updatedAt,
    startedAt: standing.startedAt,
    endedAt: standing.endedAt,
    expiresAt,
    slaMs: task.slaMs,
    retryAttempts: task.retryAttempts,
    runCount: standing.runCount,
    webhookUrl: task.webhookUrl,
    delivery: readDelivery(data),
    progress: standing.progress,
    result: standing.result,
    error: standing.error,
  };
}

/** How many times the job was started and came back to the queue: its worker died, or handed it back. */
export function returnCount(job: Pick<StoredJob, 'stalledCounter'>, data: JobData): number {
  return job.stalledCounter + (data.handedBack?.count ?? 0);
}

/** Whether a worker has the job. */
export function isRunning(job: StoredJob, data: JobData): boolean {
  return job.finishedOn === undefined && job.attemptsStarted > returnCount(job, data);
}

function standingOf(job: StoredJob, data: JobData): Standing | undefined {
  if (data.lost !== undefined) return early(job, data.lost, { status: 'failed', error: WORKER_LOST });
  if (job.finishedOn !== undefined) return finished(job, data, job.finishedOn);
  if (isRunning(job, data) || isDoomed(job, data)) return running(job);
  if (data.cancelled?.starts === job.attemptsStarted) {
    return early(job, data.cancelled, { status: 'cancelled', error: CANCELLED });
  }
  return { status: 'pending', updatedAt: waitsSince(job, data, 0), runCount: job.attemptsStarted };
}

/** When the task came into the queue, or came due there; of a run whose worker died, only the start is known. */
function waitsSince(job: StoredJob, data: JobData, delayMs: number): number {
  const lostRunAt = job.stalledCounter > 0 ? (job.processedOn ?? 0) : 0;
  return Math.max(job.timestamp + delayMs, data.handedBack?.at ?? 0, lostRunAt);
}

/** Lost once too often, and not yet told so. */
export function isDoomed(job: StoredJob, data: JobData): boolean {
  return job.stalledCounter > 0 && returnCount(job, data) > readTask(data).retryAttempts;
}

function running(job: StoredJob): Standing {
  const startedAt = startOf(job);
  const { progress, at = 0 } = readProgress(job);
  // An earlier run may have reported some, too.
  const isCurrent = at >= startedAt;
  return {
    status: 'processing',
    startedAt,
    updatedAt: Math.max(startedAt, at),
    runCount: job.attemptsStarted,
    progress: isCurrent ? progress : undefined,
  };
}

function finished(job: StoredJob, data: JobData, finishedOn: number): Standing | undefined {
  const common = {
    startedAt: startOf(job),
    updatedAt: finishedOn,
    endedAt: finishedOn,
    runCount: job.attemptsStarted,
  };
  if (job.failedReason === undefined || job.failedReason === '') {
    const result = JSON.parse(data.result ?? JSON.parse(job.returnvalue));
    return { ...common, status: 'completed', progress: readProgress(job).progress, result };
  }
  const { status, error, progress, starts } = readReason(job.failedReason);
  if (status === 'dropped') return undefined;
  // A cancel of a task that waited says how often it had run; one of a task that ran, whatever came before, does not.
  if (status === 'cancelled' && data.cancelled !== undefined && data.cancelled.starts === starts) {
    return early(job, data.cancelled, { status, error });
  }
  return { ...common, status, progress, error, runCount: starts ?? job.attemptsStarted };
}

/**
 * An end that was written into the data by one process and into the queue by another, in whichever order: the earlier
 * of the two moments, so that it is the same before and after.
 */
function early(job: StoredJob, { at, starts }: EarlyEnd, end: Pick<Standing, 'status' | 'error'>): Standing {
  const endedAt = Math.min(at, job.finishedOn ?? at);
  return {
    ...end,
    startedAt: starts === 0 ? undefined : Math.min(startOf(job), endedAt),
    updatedAt: endedAt,
    endedAt,
    runCount: starts,
  };
}

function readProgress(job: StoredJob): Partial<JobProgress> {
  return typeof job.progress === 'string' ? JSON.parse(job.progress) : {};
}

/** What BullMQ itself, or a program that shares the queue, may have written is no JSON of ours. */
function readReason(text: string): FailedReason {
  try {
    return JSON.parse(text);
  } catch {
    return { status: 'failed', error: { code: 'OPERATION_FAILED', message: text, retryable: false } };
  }
}

/** The process that took the job may have another clock than the one that added it. */
function startOf({ timestamp, processedOn = timestamp }: StoredJob): number {
  return Math.max(timestamp, processedOn);
}
