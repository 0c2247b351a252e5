import { atMost } from '../../time/at-most.js';
import { newDeferred } from '../../time/deferred.js';
import { sleep } from '../../time/sleep.js';
import type { Progress } from '../../types.js';
import type { Execute, Execution } from '../engine.js';
import { executeSafely } from '../execute-safely.js';
import { ProgressWriter } from '../progress-writer.js';
import { RunQuestions } from '../run-questions.js';
import { type StorableEnd, toStorableEnd } from '../storable-end.js';
import type { TaskRecord } from '../task-record.js';
import type { TaskWaits } from '../task-waits.js';
import {
  CANCELLED,
  type FailedReason,
  type JobData,
  type JobTask,
  readContents,
  tryContents,
  WORKER_LOST,
  WORKER_STOPPED,
} from './job-data.js';
import { excuseRun, jobQuestionStore } from './job-questions.js';
import {
  excusedReturns,
  isWaiting,
  recordOf,
  returnCount,
  type StoredJob,
  toRecord,
  waitExpiresAt,
} from './job-record.js';
import { AlreadyEndedError, type EndOptions, type OperationQueue, type Taken } from './operation-queue.js';

export interface RunningJobContext {
  readonly queue: OperationQueue;
  /** With which the job was taken. */
  readonly token: string;
  readonly maxResultBytes: number;
  /** Told of a task that was failed without having been run to its end. */
  readonly onLost: (record: TaskRecord) => void;
  /** Whose bells ring for tasks that may have an answer. */
  readonly answerWaits: TaskWaits;
  /** Told each time that the run begins or ends to wait for an answer. */
  readonly onTurn: (job: RunningJob) => void;
}

/** Should the event of an answer get lost. */
const ANSWER_RECHECK_MS = 2000;
/** Larger results do not go through the queue's events. */
const MOST_EVENT_BYTES = 4096;
const RETRY_END_MS = 1000;
const MOST_END_TRIES = 30;
/** How long a run that is stopped may take to be handed back; orchestrators kill after 30 s. */
const LONGEST_STOP_MS = 5000;

const NOTHING: Taken = { job: undefined, dueAt: undefined };

/** One job that this process has taken, from then to its end. */
export class RunningJob {
  readonly taskRef: string;
  readonly #job: StoredJob;
  readonly #data: JobData;
  readonly #task: JobTask;
  readonly #context: RunningJobContext;
  readonly #controller = new AbortController();
  readonly #stopped = newDeferred();
  readonly #questions: RunQuestions;
  #stopping: Promise<void> | undefined;
  #progress: Progress | undefined;
  #lastWrite: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  #isOver = false;

  /** @throws InvalidRecordError when the job cannot be read */
  constructor(job: StoredJob, context: RunningJobContext) {
    this.taskRef = job.id;
    this.#job = job;
    const { data, task } = readContents(job);
    [this.#data, this.#task] = [data, task];
    this.#context = context;
    const { queue, answerWaits, onTurn } = context;
    this.#questions = new RunQuestions({
      taskRef: job.id,
      store: jobQuestionStore(queue, { job, data: this.#data, task: this.#task }),
      signal: this.#controller.signal,
      waits: answerWaits,
      recheckMs: ANSWER_RECHECK_MS,
      onTurn: () => onTurn(this),
    });
  }

  /** Whether the run waits for an answer. */
  get isWaiting(): boolean {
    return this.#questions.isWaiting;
  }

  get owner(): string {
    return this.#task.owner;
  }

  get queue(): OperationQueue {
    return this.#context.queue;
  }

  get token(): string {
    return this.#context.token;
  }

  get isDropped(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Lets the run know that its result will not be kept. One that is over learns that when it stores its end. */
  drop(): void {
    if (this.#isOver) return;
    this.#controller.abort(new Error('The task was cancelled, or has ended otherwise.'));
  }

  /**
   * Runs the job and stores its end. The answer is the next job of the queue, if `mayTakeNext` says so then. A run that
   * was stopped is not waited for.
   */
  async run(execute: Execute, mayTakeNext: () => boolean): Promise<Taken> {
    const dead = this.#deadOnArrival();
    if (dead !== undefined) return this.#fail(dead, mayTakeNext);
    const execution = await Promise.race([this.#execute(execute), this.#stopped.promise]);
    if (execution === undefined) return NOTHING;
    this.#questions.close();
    this.#isOver = true;
    const end = toStorableEnd(execution, this.#context.maxResultBytes);
    await this.#lastWrite;
    return this.#storeEnd(end, mayTakeNext);
  }

  /** Ends the run for good: the task goes back to the queue if it may be run again, and fails if not. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#isStopped = true;
    this.#questions.freeze();
    // Where not even that can be written, the lock lapses, and others find the task as lost.
    await atMost(this.#giveBack(), LONGEST_STOP_MS).catch(() => {});
    this.#controller.abort(new Error(WORKER_STOPPED.message));
    this.#stopped.resolve();
  }

  async #giveBack(): Promise<void> {
    const { token } = this;
    const job = (await this.queue.read(this.taskRef)) ?? this.#job;
    const data = tryContents(job)?.data ?? this.#data;
    if (isWaiting(data, Date.now())) {
      await excuseRun(this.queue, job);
      await this.queue.handBack(this.taskRef, token);
    } else if (this.#countedReturns(data) < this.#task.retryAttempts) {
      await this.queue.handBack(this.taskRef, token);
    } else {
      await this.queue.fail(this.#job, this.#reason(WORKER_STOPPED), { token, takeNext: false });
      await this.#tellLost();
    }
  }

  /** How many runs of the task were lost or stopped that count for its `retryAttempts`. */
  #countedReturns(data: JobData): number {
    return returnCount(this.#job) - excusedReturns(this.#job, data, Date.now());
  }

  /** Why the job is not run at all, if it is not. */
  #deadOnArrival(): FailedReason | undefined {
    const runCount = this.#job.attemptsStarted - 1;
    if (this.#data.cancelled !== undefined) return { status: 'cancelled', error: CANCELLED, runCount };
    if (this.#countedReturns(this.#data) > this.#task.retryAttempts) {
      return { status: 'failed', error: WORKER_LOST, runCount };
    }
    return waitExpiresAt(this.#job, this.#data, this.#task) <= Date.now() ? { status: 'dropped' } : undefined;
  }

  async #execute(execute: Execute): Promise<Execution> {
    const record = recordOf(this.#job, { data: this.#data, task: this.#task, now: Date.now() });
    if (record === undefined) throw new TypeError('A job that runs has a record.');
    const writer = new ProgressWriter(progress => this.#writeProgress(progress));
    try {
      return await executeSafely(execute)(
        { record, parameters: this.#task.parameters },
        {
          signal: this.#controller.signal,
          reportProgress: progress => writer.report(progress),
          ask: asked => this.#questions.ask(asked),
        },
      );
    } finally {
      const unwritten = writer.stop();
      if (unwritten !== undefined) this.#writeProgress(unwritten);
    }
  }

  #writeProgress(progress: Progress): void {
    this.#progress = progress;
    if (this.#controller.signal.aborted) return;
    // Progress is worth no more than the next report of it.
    const write = () => this.queue.updateProgress(this.taskRef, { at: Date.now(), progress });
    this.#lastWrite = this.#lastWrite.then(write).catch(() => {});
  }

  /**
   * A store that is away may be back a moment later: work that was done should not be lost to it. When the signal has
   * aborted, nobody wants the end any more.
   */
  async #storeEnd(end: StorableEnd, mayTakeNext: () => boolean): Promise<Taken> {
    for (let tries = 0; tries < MOST_END_TRIES && !this.#isStopped; tries++) {
      try {
        const options = { token: this.#context.token, takeNext: mayTakeNext() };
        return await (end.status === 'failed'
          ? this.queue.fail(this.#job, this.#reason(JSON.parse(end.error)), options)
          : this.#complete(end.result, options));
      } catch (error) {
        if (error instanceof AlreadyEndedError) break;
        await sleep(RETRY_END_MS, this.#controller.signal).catch(() => {});
      }
    }
    return NOTHING;
  }

  async #complete(result: string, options: EndOptions): Promise<Taken> {
    if (Buffer.byteLength(result) <= MOST_EVENT_BYTES) return this.queue.complete(this.#job, result, options);
    const returnValue = await this.queue.keepLongResult(this.taskRef, result);
    return this.queue.complete(this.#job, returnValue, options);
  }

  async #fail(reason: FailedReason, mayTakeNext: () => boolean): Promise<Taken> {
    const options = { token: this.#context.token, takeNext: mayTakeNext() };
    const next = await this.queue.fail(this.#job, reason, options).catch(() => NOTHING);
    if (reason.error?.code === WORKER_LOST.code && this.#data.lost === undefined) await this.#tellLost();
    return next;
  }

  #reason(error: NonNullable<FailedReason['error']>): FailedReason {
    return { status: 'failed', error, progress: this.#progress };
  }

  async #tellLost(): Promise<void> {
    const job = await this.queue.read(this.taskRef).catch(() => undefined);
    const record = job && toRecord(job, Date.now());
    if (record !== undefined) this.#context.onLost(record);
  }
}
