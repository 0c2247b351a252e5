import { randomUUID } from 'node:crypto';
import type { IQueueBackend } from 'bullmq';
import { Alarm } from '../../time/alarm.js';
import { sleep } from '../../time/sleep.js';
import type { EngineWorker, StoreNotice, WorkerOptions } from '../engine.js';
import type { TaskRecord } from '../task-record.js';
import { failureCode } from './failure-code.js';
import type { StoredJob } from './job-record.js';
import type { LockTimes } from './lock-times.js';
import type { OperationQueue, Taken } from './operation-queue.js';
import { RunningJob } from './running-job.js';
import { Slots } from './slots.js';
import { untilWork } from './until-work.js';

/** One operation's jobs, and a connection that can wait for them. */
export interface JobSource {
  readonly queue: OperationQueue;
  readonly waiting: IQueueBackend;
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
}

const RETRY_MS = 1000;
const RECHECK_MS = 250;

/** Runs queued tasks in this process: as many at once as there are slots, of all operations together. */
export class BullmqWorker implements EngineWorker {
  readonly #context: BullmqWorkerContext;
  readonly #options: WorkerOptions;
  readonly #token = randomUUID();
  readonly #slots: Slots;
  readonly #sources: readonly JobSource[];
  readonly #running = new Map<string, { readonly job: RunningJob; readonly ended: Promise<Taken> }>();
  readonly #taskEnded = new Alarm();
  #isRefused = false;
  /** Aborts when no more jobs are taken. */
  readonly #stopped = new AbortController();
  /** Aborts at the end of the shortest grace of all drains. */
  readonly #graceEnd = new AbortController();
  readonly #loops: readonly Promise<void>[];

  constructor(context: BullmqWorkerContext, options: WorkerOptions) {
    this.#context = context;
    this.#options = options;
    this.#slots = new Slots(options.concurrency);
    this.#sources = options.operations.map(operation => context.open(operation));
    this.#loops = [...this.#sources.map(source => this.#serve(source)), this.#keepLocks()];
  }

  get takesTasks(): boolean {
    return !this.#stopped.signal.aborted;
  }

  /** Lets go of a task that has ended otherwise, such as by a cancel in another process. */
  drop(taskRef: string): void {
    this.#running.get(taskRef)?.job.abort(new Error('The task was cancelled, or has ended otherwise.'));
  }

  async finish(): Promise<void> {
    const never = new AbortController().signal;
    while (this.#running.size > 0 || (await this.#isOwing())) {
      await this.#taskEnded.sleep(RECHECK_MS, never);
    }
  }

  async drain(graceMs: number): Promise<void> {
    this.#stopped.abort();
    this.#slots.open();
    for (const { waiting } of this.#sources) void waiting.disconnectBlocking().catch(() => {});
    const running = [...this.#running.values()];
    const allEnded = Promise.all(running.map(({ ended }) => ended));
    await Promise.race([allEnded, sleep(graceMs, this.#graceEnd.signal).catch(() => {})]);
    await Promise.all([...this.#running.values()].map(({ job }) => job.stop()));
    this.#running.clear();
    this.#graceEnd.abort();
    await Promise.all(this.#loops);
    this.#taskEnded.ring();
  }

  async #isOwing(): Promise<boolean> {
    if (!this.takesTasks) return false;
    // A store that cannot be read just now may hold work.
    return this.#context.isOwing(this.#options.operations).catch(() => true);
  }

  /** Takes the jobs of one operation, each when there is a slot for it. */
  async #serve({ queue, waiting }: JobSource): Promise<void> {
    while (this.takesTasks) {
      await this.#slots.take();
      const { job, dueAt } = await this.#take(queue);
      if (job === undefined) {
        this.#slots.release();
        await untilWork(waiting, dueAt, this.#stopped.signal);
      } else {
        void this.#run(queue, job).finally(() => this.#slots.release());
      }
    }
  }

  async #take(queue: OperationQueue): Promise<Taken> {
    const nothing = { job: undefined, dueAt: undefined };
    if (!this.takesTasks) return nothing;
    try {
      const taken = await queue.take(this.#token);
      this.#tell(undefined);
      return taken;
    } catch (error) {
      this.#tell(error);
      await this.#pause(RETRY_MS);
      return nothing;
    }
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
  async #run(queue: OperationQueue, first: StoredJob): Promise<void> {
    const { maxResultBytes, onLost } = this.#context;
    for (let next: StoredJob | undefined = first; next !== undefined; ) {
      const job = new RunningJob(next, { queue, token: this.#token, maxResultBytes, onLost });
      const ended = job.run(this.#options.execute, () => this.takesTasks && !this.#slots.isContended);
      this.#running.set(job.taskRef, { job, ended });
      next = (await ended).job;
      this.#running.delete(job.taskRef);
      this.#context.onReleased(job.taskRef);
      this.#taskEnded.ring();
    }
  }

  /** Renews the locks of all that runs until the worker has stopped. */
  async #keepLocks(): Promise<void> {
    const { lockDurationMs: durationMs, renewIntervalMs } = this.#context.locks;
    while (!this.#graceEnd.signal.aborted) {
      await sleep(renewIntervalMs, this.#graceEnd.signal).catch(() => {});
      const running = [...this.#running.values()].map(({ job }) => job);
      for (const { queue } of this.#sources) {
        const refs = running.filter(job => job.queue === queue).map(({ taskRef }) => taskRef);
        if (refs.length === 0) continue;
        const lost = await queue.extendLocks(refs, { token: this.#token, durationMs }).catch(() => []);
        for (const taskRef of lost) this.drop(taskRef);
      }
    }
  }

  async #pause(delayMs: number): Promise<void> {
    await sleep(delayMs, this.#stopped.signal).catch(() => {});
  }
}
