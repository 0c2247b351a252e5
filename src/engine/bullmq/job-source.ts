import { randomUUID } from 'node:crypto';
import type { IQueueBackend } from 'bullmq';
import { sleep } from '../../time/sleep.js';
import type { Progress } from '../../types.js';
import { INVALID_RECORD } from '../record-shape.js';
import { CANCELLED, WORKER_LOST } from '../task-errors.js';
import type { TaskRecord } from '../task-record.js';
import type { Claimed, TaskSource, Wanted } from '../worker-store.js';
import { type FailedReason, type JobContents, type JobData, tryContents } from './job-data.js';
import {
  excusedReturns,
  jobToRecord,
  recordOfJob,
  returnCount,
  type StoredJob,
  waitExpiresAt,
} from './job-record.js';
import type { OperationQueue } from './operation-queue.js';

/** A job that was taken to be run, as it was then. */
export interface JobRun extends JobContents {
  readonly job: StoredJob;
  readonly queue: OperationQueue;
  /** With which the job was taken: one that is taken again while its first run has not ended has another. */
  readonly token: string;
  /** The latest of the run. */
  progress: Progress | undefined;
  /** Settles when that is stored. */
  lastWrite: Promise<void>;
}

export interface JobSourceContext {
  /** A connection that can wait for jobs. */
  readonly waiting: IQueueBackend;
  /** After so long without a word from the store, the queue is asked. */
  readonly maxIdleMs: number;
  /** Told of a task that was failed without being run. */
  readonly onLost: (record: TaskRecord) => void;
  /** Told of a task that was ended without being run. */
  readonly onReleased: (taskRef: string) => void;
}

const RETRY_MS = 1000;
/** While all at the head of a queue belong to owners that have their share. */
const HELD_BACK_MS = 250;

/** One operation's jobs, each taken with a token of its own. */
export class JobSource implements TaskSource<JobRun> {
  readonly batchSize = 1;
  readonly queue: OperationQueue;
  readonly #context: JobSourceContext;
  /** What the last claim has found instead of a task. */
  #found: 'nothing' | 'no run' | 'full owners' = 'nothing';
  /** When the next delayed job is due, in milliseconds since the epoch. */
  #dueAt: number | undefined;

  constructor(queue: OperationQueue, context: JobSourceContext) {
    this.queue = queue;
    this.#context = context;
  }

  async claim({ fullOwners, mayTakeNext }: Wanted): Promise<readonly Claimed<JobRun>[]> {
    const full = fullOwners([]);
    this.#dueAt = undefined;
    if (full.length > 0 && !(await this.queue.passOver(full))) {
      this.#found = 'full owners';
      return [];
    }
    const token = randomUUID();
    const { job, dueAt } = await this.queue.take(token);
    this.#dueAt = dueAt;
    this.#found = job === undefined ? 'nothing' : 'no run';
    const claimed = await this.firstToRun(job, { token, mayTakeNext });
    return claimed === undefined ? [] : [claimed];
  }

  async untilWork(signal: AbortSignal): Promise<void> {
    if (this.#found === 'full owners') await sleep(HELD_BACK_MS, signal).catch(() => {});
    if (this.#found === 'nothing') await this.#untilJob(signal);
  }

  /** Wakes whoever waits for work. */
  async silence(): Promise<void> {
    await this.#context.waiting.disconnectBlocking().catch(() => {});
  }

  /** A taken job, or the first of those after it that is to be run; it ends all before that. Never rejects. */
  async firstToRun(
    taken: StoredJob | undefined,
    { token, mayTakeNext }: { readonly token: string; readonly mayTakeNext: () => boolean },
  ): Promise<Claimed<JobRun> | undefined> {
    for (let job = taken; job !== undefined; ) {
      const { id } = job;
      const contents = tryContents(job);
      const dead = contents === undefined ? undefined : deadOnArrival(job, contents);
      if (contents !== undefined && dead === undefined) return this.#claimed(job, { ...contents, token });
      const reason = dead ?? { status: 'failed', error: INVALID_RECORD };
      // Of a job that cannot be ended, the lock lapses.
      const next = await this.queue
        .fail(job, reason, { token, takeNext: mayTakeNext() })
        .catch(() => undefined);
      const isNew = next !== undefined && contents?.data.lost === undefined;
      if (isNew && isLoss(reason)) await this.#tellLost(job);
      this.#context.onReleased(id);
      job = next?.job;
    }
    return undefined;
  }

  #claimed(job: StoredJob, { data, task, token }: JobContents & { readonly token: string }): Claimed<JobRun> {
    const record = recordOfJob(job, { data, task, now: Date.now() });
    if (record === undefined) throw new TypeError('A job that runs has a record.');
    const { queue } = this;
    const run = { job, data, task, queue, token, progress: undefined, lastWrite: Promise.resolve() };
    return { run, record, parameters: task.parameters };
  }

  async #tellLost({ id }: StoredJob): Promise<void> {
    const stored = await this.queue.read(id).catch(() => undefined);
    const record = stored && jobToRecord(stored, Date.now());
    if (record !== undefined) this.#context.onLost(record);
  }

  async #untilJob(signal: AbortSignal): Promise<void> {
    const { waiting, maxIdleMs } = this.#context;
    const deadline = Date.now() + maxIdleMs;
    for (let wakeAt = Math.min(this.#dueAt ?? deadline, deadline); !signal.aborted; ) {
      // The clock may have been set back meanwhile.
      const waitMs = Math.min(wakeAt - Date.now(), maxIdleMs);
      if (waitMs <= 0) return;
      const word = await waiting
        .waitForJob(Math.max(waitMs / 1000, waiting.minimumBlockTimeout))
        .catch(() => undefined);
      if (word === undefined) return sleep(RETRY_MS, signal).catch(() => {});
      // A delayed job comes with the time at which it is due.
      if (word === null || word.score <= Date.now()) return;
      wakeAt = Math.min(word.score, deadline);
    }
  }
}

/** How many runs of a job's task were lost or stopped that count for its `retryAttempts`. */
export function countedReturns(job: StoredJob, data: JobData): number {
  return returnCount(job) - excusedReturns(job, data, Date.now());
}

/** Why a job is not run at all, if it is not. */
function deadOnArrival(job: StoredJob, { data, task }: JobContents): FailedReason | undefined {
  const runCount = job.attemptsStarted - 1;
  if (data.cancelled !== undefined) return { status: 'cancelled', error: CANCELLED, runCount };
  if (countedReturns(job, data) > task.retryAttempts)
    return { status: 'failed', error: WORKER_LOST, runCount };
  return waitExpiresAt(job, data, task) <= Date.now() ? { status: 'dropped' } : undefined;
}

function isLoss({ error }: FailedReason): boolean {
  return error?.code === WORKER_LOST.code || error?.code === INVALID_RECORD.code;
}
