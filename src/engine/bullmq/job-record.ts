import type { JobJson } from 'bullmq';
import type { Progress, TaskError } from '../../types.js';
import { DEFAULT_RETENTION_MS } from '../engine-defaults.js';
import { openRequests, waitedMs, waitsUntil } from '../question.js';
import { InvalidRecordError, parseFields, parseStored } from '../record-shape.js';
import { CANCELLED, WORKER_LOST } from '../task-errors.js';
import type { RecordStatus, TaskRecord } from '../task-record.js';
import { operationOf } from '../task-ref.js';
import { unreadableRecord } from '../unreadable-record.js';
import {
  type EarlyEnd,
  type FailedReason,
  type JobData,
  type JobProgress,
  type JobTask,
  readContents,
  readDelivery,
  readJobQuestions,
  readJobTask,
} from './job-data.js';

/** The fields of a job that tell how its task stands. */
export type StoredJob = Pick<
  JobJson,
  | 'id'
  | 'data'
  | 'timestamp'
  | 'attemptsStarted'
  | 'attemptsMade'
  | 'stalledCounter'
  | 'processedOn'
  | 'finishedOn'
  | 'failedReason'
  | 'returnvalue'
  | 'progress'
> & {
  /** When each run ended whose worker handed the task back, as JSON: an attempt that was made, and came to no end. */
  readonly stacktrace?: string;
  /** JSON of a result that is too long for the queue's events; it is in the job's log. */
  readonly longResult?: string | undefined;
};

const LONG_RESULT = 'log ';

/** The return value of a job whose result is that entry of its log. */
export function longResultAt(index: number): string {
  return `${LONG_RESULT}${index}`;
}

/** Which entry of its log is the job's result, if one is. */
export function longResultIndex({ returnvalue }: Pick<StoredJob, 'returnvalue'>): number | undefined {
  const text = readReturnValue(returnvalue);
  return text?.startsWith(LONG_RESULT) === true ? Number(text.slice(LONG_RESULT.length)) : undefined;
}

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
export function jobToRecord(job: StoredJob, now: number): TaskRecord | undefined {
  try {
    return recordOfJob(job, { ...readContents(job), now });
  } catch (error) {
    if (error instanceof InvalidRecordError) return invalidRecord(job, now);
    throw error;
  }
}

/** Of a job that cannot be read, a task that has failed for that; it stays so, since nothing changes such data. */
function invalidRecord(job: StoredJob, now: number): TaskRecord | undefined {
  const { timestamp: createdAt, finishedOn: endedAt = job.processedOn ?? createdAt } = job;
  const expiresAt = endedAt + DEFAULT_RETENTION_MS;
  if (expiresAt <= now) return undefined;
  const { id: taskRef, processedOn: startedAt, attemptsStarted: runCount } = job;
  return unreadableRecord({ taskRef, createdAt, updatedAt: endedAt, startedAt, expiresAt, runCount });
}

interface RecordContext {
  /** The job's data, parsed. */
  readonly data: JobData;
  /** What the data says about the task, parsed. */
  readonly task: JobTask;
  readonly now: number;
}

/** `toRecord` for whoever has parsed the job's data. */
export function recordOfJob(job: StoredJob, { data, task, now }: RecordContext): TaskRecord | undefined {
  const standing = standingOf(job, data, now);
  if (standing === undefined) return undefined;
  const expiresAt =
    standing.endedAt === undefined ? waitExpiresAt(job, data, task) : standing.endedAt + task.ttlMs;
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
    excusedRuns: excusedReturns(job, data, now),
    inputRequests: standing.endedAt === undefined ? openRequests(readJobQuestions(data)) : undefined,
    runCount: standing.runCount,
    waitedMs: standing.startedAt === undefined ? 0 : waitedMs(readJobQuestions(data), standing.startedAt),
    webhookUrl: task.webhookUrl,
    delivery: readDelivery(data),
    progress: standing.progress,
    result: standing.result,
    error: standing.error,
  };
}

/** How many times the job, which has not ended, was started and came back: its worker died, or handed it back. */
export function returnCount({
  stalledCounter,
  attemptsMade,
}: Pick<StoredJob, 'stalledCounter' | 'attemptsMade'>): number {
  return stalledCounter + attemptsMade;
}

/** How many of the returns do not count: its run waited for an answer, or had one that it had not seen. */
export function excusedReturns(job: StoredJob, data: JobData, now: number): number {
  const { excused = 0, counted = 0 } = data;
  return isWaiting(data, now) ? Math.max(excused, returnCount(job) - counted) : excused;
}

/** Whether the last run, if it is lost now, is lost for nothing. */
export function isWaiting(data: JobData, now: number): boolean {
  return (waitsUntil(readJobQuestions(data)) ?? 0) > now;
}

/** Lost once too often, and not yet told so. */
export function isDoomed(job: StoredJob, data: JobData, now: number): boolean {
  const countedReturns = returnCount(job) - excusedReturns(job, data, now);
  const mayStillRun = job.stalledCounter === 0 || countedReturns <= readJobTask(data).retryAttempts;
  return (
    !mayStillRun && job.finishedOn === undefined && data.lost === undefined && data.cancelled === undefined
  );
}

/** What is kept of the last run of a task that is doomed, and waits in the queue. */
export function lostRun(job: StoredJob): Omit<EarlyEnd, 'at' | 'by'> {
  const { startedAt, progress } = running(job);
  return { runCount: job.attemptsStarted, startedAt, progress };
}

/** Whether a worker has the job, which has not ended. */
export function isTaken(job: StoredJob): boolean {
  return job.attemptsStarted > returnCount(job);
}

function standingOf(job: StoredJob, data: JobData, now: number): Standing | undefined {
  if (data.lost !== undefined) return early(data.lost, { status: 'failed', error: WORKER_LOST });
  if (data.cancelled !== undefined) return early(data.cancelled, { status: 'cancelled', error: CANCELLED });
  if (job.finishedOn !== undefined) return finished(job, job.finishedOn);
  if (isTaken(job) || isDoomed(job, data, now)) return running(job);
  return { status: 'pending', updatedAt: waitsSince(job, data, 0), runCount: job.attemptsStarted };
}

/** When the task came into the queue, or came due there. */
function waitsSince(job: StoredJob, data: JobData, delayMs: number): number {
  // Of a run whose worker died, only the start is known at first.
  const { lostRunAt = job.processedOn ?? 0 } = data;
  return Math.max(job.timestamp + delayMs, handedBackAt(job), job.stalledCounter > 0 ? lostRunAt : 0);
}

/** When the record of a task expires that waits in the queue. */
export function waitExpiresAt(job: StoredJob, data: JobData, task: JobTask): number {
  return waitsSince(job, data, task.delayMs) + task.ttlMs;
}

function handedBackAt({ stacktrace = '[]' }: StoredJob): number {
  const times = parseStored(stacktrace);
  return Array.isArray(times) ? Number(times.at(-1) ?? 0) : 0;
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

function finished(job: StoredJob, finishedOn: number): Standing | undefined {
  const common = {
    startedAt: startOf(job),
    updatedAt: finishedOn,
    endedAt: finishedOn,
    runCount: job.attemptsStarted,
  };
  const text = job.longResult ?? readReturnValue(job.returnvalue);
  if (text !== undefined) {
    // In lists, a long result is left in the log.
    const result = text.startsWith(LONG_RESULT) ? undefined : parseStored(text);
    return { ...common, status: 'completed', progress: readProgress(job).progress, result };
  }
  const { status, error, progress, runCount = job.attemptsStarted } = readReason(job.failedReason);
  return status === 'dropped' ? undefined : { ...common, status, progress, error, runCount };
}

function early(
  { at, runCount, startedAt, progress }: EarlyEnd,
  end: Pick<Standing, 'status' | 'error'>,
): Standing {
  return { ...end, startedAt, updatedAt: at, endedAt: at, runCount, progress };
}

/** The text that a job was completed with; undefined when it was not. */
function readReturnValue(json: string | undefined): string | undefined {
  const value = parseStored(json || 'null');
  return typeof value === 'string' ? value : undefined;
}

function readProgress(job: StoredJob): Partial<JobProgress> {
  return typeof job.progress === 'string' ? (parseFields(job.progress) as Partial<JobProgress>) : {};
}

/** What BullMQ itself, or a program that shares the queue, may have written is no JSON of ours. */
function readReason(text = ''): FailedReason {
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
