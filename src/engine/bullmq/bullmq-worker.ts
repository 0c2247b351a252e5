import { randomUUID } from 'node:crypto';
import type { IQueueBackend } from 'bullmq';
import { Alarm } from '../../time/alarm.js';
import { atMost } from '../../time/at-most.js';
import { sleep } from '../../time/sleep.js';
import type { EngineWorker, StoreNotice, WorkerOptions } from '../engine.js';
import { failureCode } from '../failure-code.js';
import { fullOwners } from '../owner-shares.js';
import { INVALID_RECORD } from '../record-shape.js';
import type { TaskRecord } from '../task-record.js';
import type { TaskWaits } from '../task-waits.js';
import { tryContents } from './job-data.js';
import { type StoredJob, toRecord } from './job-record.js';
import type { LockTimes } from './lock-times.js';
import type { OperationQueue, Taken } from './operation-queue.js';
import { RunningJob } from './running-job.js';
import { Slots } from './slots.js';
import { untilWork } from './until-work.js';

/** One operation's jobs, and a connection that can wait for them. */
export interface JobSource {
  readonly queue: OperationQueue;
  readonly waiting: IQueueBackend;
  readonly longestIdleMs: number;
}

export interface BullmqWorkerContext {
  readonly locks: LockTimes;
  readonly maxResultBytes: number;
  open(operation: string): JobSource;
  /** Whether a task that this engine has submitted still waits for such a worker. */
  isOwing(operations: readonly string[]): Promise<boolean>;
  /** Told of a task that this worker has let go of: it has ended, or is back in the queue. */
  readonly onReleased: (taskRef: string) => void;
  /** Told of a task that was failed without having been run to its end. */
  readonly onLost: (record: TaskRecord) => void;
  readonly onNotice: (notice: StoreNotice) => void;
  /** Whose bells ring for tasks that may have an answer. */
  readonly answerWaits: TaskWaits;
}

const RETRY_MS = 1000;
const RECHECK_MS = 250;
/** While all at the head of a queue belong to owners that have their share. */
const HELD_BACK_MS = 250;
/** How long the store may take to answer what was asked before the worker was drained. */
const LAST_ANSWERS_MS = 2000;

/** Runs queued tasks in this process: as many at once as there are slots, of all operations together. */
export class BullmqWorker implements EngineWorker {
  readonly #context: BullmqWorkerContext;
  readonly #options: WorkerOptions;
  readonly #slots: Slots;
  readonly #sources: readonly JobSource[];
  readonly #running = new Set<RunningJob>();
  /** The last run of each task: earlier ones have been dropped. */
  readonly #latest = new Map<string, RunningJob>();
  /** All that takes and runs jobs. */
  readonly #activities = new Set<Promise<void>>();
  readonly #taskEnded = new Alarm();
  #isRefused = false;
  /** Aborts when no more jobs are taken. */
  readonly #stopped = new AbortController();
  /** Aborts at the end of the shortest grace of all drains. */
  readonly #graceEnd = new AbortController();

  constructor(context: BullmqWorkerContext, options: WorkerOptions) {
    this.#context = context;
    this.#options = options;
    this.#slots = new Slots(options.concurrency);
    this.#sources = options.operations.map(operation => context.open(operation));
    for (const source of this.#sources) this.#track(this.#serve(source));
    void this.#keepLocks();
  }

  get takesTasks(): boolean {
    return !this.#stopped.signal.aborted;
  }

  /** Lets go of a task that has ended otherwise, such as by a cancel in another process. */
  drop(taskRef: string): void {
    this.#latest.get(taskRef)?.drop();
  }

  async finish(): Promise<void> {
    const never = new AbortController().signal;
    while ((await this.#isOwing()) || this.#isBusy) {
      await this.#taskEnded.sleep(RECHECK_MS, never);
    }
    if (this.#running.size > 0) await this.drain(0);
  }

  /** Whether something runs that does not wait for an answer. */
  get #isBusy(): boolean {
    return [...this.#running].some(job => !job.isWaiting);
  }

  async drain(graceMs: number): Promise<void> {
    this.#stopped.abort();
    this.#slots.open();
    for (const job of this.#running) if (job.isWaiting) void job.stop();
    // What is handed back then wakes another worker, not this one.
    const silenced = this.#sources.map(({ waiting }) => waiting.disconnectBlocking().catch(() => {}));
    await atMost(Promise.all(silenced), LAST_ANSWERS_MS).catch(() => {});
    await Promise.race([this.#allOver(), sleep(graceMs, this.#graceEnd.signal).catch(() => {})]);
    this.#graceEnd.abort();
    await Promise.all([...this.#running].map(job => job.stop()));
    // An answer that is under way may bring another job, which is stopped as soon as it comes.
    await atMost(this.#allOver(), LAST_ANSWERS_MS).catch(() => {});
    this.#taskEnded.ring();
  }

  async #isOwing(): Promise<boolean> {
    if (!this.takesTasks) return false;
    // A store that cannot be read just now may hold work.
    return this.#context.isOwing(this.#options.operations).catch(() => true);
  }

  #track(activity: Promise<void>): void {
    this.#activities.add(activity);
    void activity.finally(() => this.#activities.delete(activity));
  }

  async #allOver(): Promise<void> {
    while (this.#activities.size > 0) await Promise.all(this.#activities);
  }

  /** Takes the jobs of one operation, each when there is a slot for it. */
  async #serve({ queue, waiting, longestIdleMs: longestMs }: JobSource): Promise<void> {
    const { signal } = this.#stopped;
    while (this.takesTasks) {
      await this.#slots.take();
      // A job that is taken again while its first run has not ended has another token than that.
      const token = randomUUID();
      const { job, dueAt, isHeldBack } = await this.#take(queue, token);
      if (job === undefined) {
        this.#slots.release();
        if (isHeldBack === true) await sleep(HELD_BACK_MS, signal).catch(() => {});
        else await untilWork(waiting, { dueAt, longestMs, signal });
      } else {
        // Of a job whose end cannot be stored, the lock lapses.
        const run = this.#run(job, { queue, token }).catch(() => {});
        this.#track(run.finally(() => this.#slots.release()));
      }
    }
  }

  async #take(queue: OperationQueue, token: string): Promise<Taken> {
    const nothing = { job: undefined, dueAt: undefined };
    if (!this.takesTasks) return nothing;
    try {
      const full = this.#fullOwners();
      const isHeldBack = full.length > 0 && !(await queue.passOver(full));
      const taken = isHeldBack ? { ...nothing, isHeldBack } : await queue.take(token);
      this.#tell(undefined);
      return taken;
    } catch (error) {
      this.#tell(error);
      await sleep(RETRY_MS, this.#stopped.signal).catch(() => {});
      return nothing;
    }
  }

  /** The owners that get no further place, without the one that `leaving` is about to free. */
  #fullOwners(leaving?: RunningJob): readonly string[] {
    const busy = [...this.#running].filter(job => job !== leaving && !job.isWaiting);
    return fullOwners(busy, this.#options);
  }

  /** Says it once when the store begins to refuse jobs, and once when it is over. */
  #tell(error: unknown): void {
    const isRefused = error !== undefined;
    if (isRefused === this.#isRefused || !this.takesTasks) return;
    this.#isRefused = isRefused;
    this.#context.onNotice(
      isRefused
        ? { level: 'error', message: 'The store lets no task be taken', fields: { code: failureCode(error) } }
        : { level: 'info', message: 'The store lets tasks be taken again', fields: {} },
    );
  }

  /** Runs a job, and those that the end of each brings along. */
  async #run(first: StoredJob, taken: { queue: OperationQueue; token: string }): Promise<void> {
    const { maxResultBytes, onLost, answerWaits } = this.#context;
    const onTurn = (job: RunningJob) => this.#onTurn(job);
    for (let next: StoredJob | undefined = first; next !== undefined; ) {
      const mayTakeNext = () => this.takesTasks && !this.#slots.isContended;
      if (tryContents(next) === undefined) {
        next = await this.#refuse(next, taken, mayTakeNext);
        continue;
      }
      const job: RunningJob = new RunningJob(next, { ...taken, maxResultBytes, onLost, answerWaits, onTurn });
      const mayRunNext = () => mayTakeNext() && this.#fullOwners(job).length === 0;
      if (this.#graceEnd.signal.aborted) return job.stop();
      // An earlier run of the task that still goes on here has lost it.
      this.drop(job.taskRef);
      this.#running.add(job);
      this.#latest.set(job.taskRef, job);
      try {
        next = (await job.run(this.#options.execute, mayRunNext)).job;
      } finally {
        this.#running.delete(job);
        if (this.#latest.get(job.taskRef) === job) this.#latest.delete(job.taskRef);
        this.#context.onReleased(job.taskRef);
        this.#taskEnded.ring();
      }
    }
  }

  /** Fails a job that cannot be read. The answer is the next one. */
  async #refuse(
    job: StoredJob,
    { queue, token }: { queue: OperationQueue; token: string },
    mayTakeNext: () => boolean,
  ): Promise<StoredJob | undefined> {
    const reason = { status: 'failed', error: INVALID_RECORD } as const;
    const next = await queue.fail(job, reason, { token, takeNext: mayTakeNext() });
    const record = toRecord(job, Date.now());
    if (record !== undefined) this.#context.onLost(record);
    this.#context.onReleased(job.id);
    return next.job;
  }

  /** A run that waits for an answer leaves its place to another, and goes on without waiting for one. */
  #onTurn(job: RunningJob): void {
    if (job.isWaiting) this.#slots.release();
    else this.#slots.claim();
    if (job.isWaiting && !this.takesTasks) void job.stop();
    this.#taskEnded.ring();
  }

  /** Renews the locks of all that runs until the worker has stopped. */
  async #keepLocks(): Promise<void> {
    const { lockDurationMs, renewIntervalMs } = this.#context.locks;
    while (!this.#graceEnd.signal.aborted) {
      await sleep(renewIntervalMs, this.#graceEnd.signal).catch(() => {});
      for (const { queue } of this.#sources) {
        const jobs = [...this.#running].filter(job => job.queue === queue && !job.isDropped);
        if (jobs.length === 0) continue;
        const lost = await queue.extendLocks(jobs, lockDurationMs).catch((): readonly string[] => []);
        for (const job of jobs) if (lost.includes(job.taskRef)) job.drop();
      }
    }
  }
}
