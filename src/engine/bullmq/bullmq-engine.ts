import { atMost } from '../../time/at-most.js';
import type {
  Engine,
  EngineWorker,
  StoreNotice,
  Submission,
  WaitForChangeOptions,
  WaitForEndOptions,
  WorkerOptions,
} from '../engine.js';
import type { OperationStats } from '../operation-stats.js';
import type { InputResponse } from '../question.js';
import { hasChanged } from '../record-change.js';
import { StoreFailure } from '../store-failure.js';
import { isEnded, type NewTask, type TaskRecord, type WebhookDelivery } from '../task-record.js';
import { operationOf } from '../task-ref.js';
import { TaskWorker } from '../task-worker.js';
import { TooManyTasksError } from '../too-many-tasks.js';
import { BullmqWorkerStore } from './bullmq-worker-store.js';
import { type JobRun, JobSource } from './job-source.js';
import { readJobStats } from './job-stats.js';
import { KnownOperations, REGISTRY } from './known-operations.js';
import type { LockTimes } from './lock-times.js';
import { OwnerTurns } from './owner-turns.js';
import type { QueueConnection, StoreWorker } from './queue-connection.js';
import { StoreCalls } from './store-calls.js';
import { StoreCare } from './store-care.js';
import { TaskJobs } from './task-jobs.js';
import { TaskNews } from './task-news.js';

/** A server whose client has gone does not wait for what is due later. */
const LONGEST_OWED_DELAY_MS = 30_000;
const MOST_LOOKED_AFTER = 1000;
const CLOSE_STEP_MS = 2000;

export interface BullmqEngineOptions {
  readonly connection: QueueConnection;
  /** The store's URL without credentials. */
  readonly label: string;
  readonly locks: LockTimes;
  readonly maxResultBytes: number;
  readonly retentionMs: number;
  readonly onLost: (record: TaskRecord) => void;
  readonly onNotice: (notice: StoreNotice) => void;
}

/** The distributed engine: BullMQ on Redis or PostgreSQL, which any number of processes may share. */
export class BullmqEngine implements Engine {
  readonly #options: BullmqEngineOptions;
  readonly #connection: QueueConnection;
  readonly #jobs: TaskJobs;
  readonly #news: TaskNews;
  readonly #turns: OwnerTurns;
  /** What this engine's own worker may still have to run. */
  readonly #submitted = new Set<string>();
  readonly #workers: StoreWorker[] = [];
  readonly #care: StoreCare;
  #worker: TaskWorker<JobRun> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: BullmqEngineOptions) {
    this.#options = options;
    this.#connection = options.connection;
    const { connection, label, retentionMs } = options;
    const calls = new StoreCalls({ label, isConnectionError: connection.isConnectionError });
    const known = new KnownOperations(connection.backend(REGISTRY), calls);
    this.#jobs = new TaskJobs({ connection, calls, known, retentionMs, onLost: this.#onLost });
    this.#turns = new OwnerTurns({
      presentTurn: operation => this.#jobs.queue(operation).presentTurn(),
      hasEnded: taskRef => this.#hasEnded(taskRef),
    });
    this.#news = new TaskNews({
      connection,
      jobs: this.#jobs,
      onEnd: taskRef => this.#onEnd(taskRef),
    });
    this.#care = new StoreCare({
      jobs: this.#jobs,
      checkIntervalMs: options.locks.checkIntervalMs,
      onLost: this.#onLost,
      onSwept: () => this.#forgetEnded(),
    });
  }

  async submit(task: NewTask): Promise<Submission> {
    this.#throwIfClosed();
    const submission = await this.#submitInTurn(task);
    const isOwed = submission.created && (task.delayMs ?? 0) <= LONGEST_OWED_DELAY_MS;
    if (isOwed) this.#submitted.add(task.taskRef);
    return submission;
  }

  async #submitInTurn(task: NewTask): Promise<Submission> {
    const { taskRef, owner, operation, maxUnfinished } = task;
    if (!(await this.#turns.enter(taskRef, owner, maxUnfinished))) {
      const record = await this.#jobs.findByKey(task);
      if (record !== undefined) return { record, created: false };
      throw new TooManyTasksError(maxUnfinished ?? 0);
    }
    try {
      const turn = (task.delayMs ?? 0) > 0 ? undefined : await this.#turns.turnOf(owner, operation);
      const ttlMs = Math.min(task.ttlMs, this.#options.retentionMs);
      const submission = await this.#jobs.submit({ ...task, ttlMs }, turn);
      if (!submission.created) this.#turns.leave(taskRef);
      return submission;
    } catch (error) {
      this.#turns.leave(taskRef);
      throw error;
    }
  }

  async find(taskRef: string): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    return this.#jobs.find(taskRef);
  }

  async waitForEnd(taskRef: string, options: WaitForEndOptions): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    return this.#news.untilEnd(taskRef, isEnded, options);
  }

  async waitForChange(taskRef: string, options: WaitForChangeOptions): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    return this.#news.untilChange(taskRef, record => hasChanged(options.known, record), options);
  }

  async answer(
    taskRef: string,
    responses: Readonly<Record<string, InputResponse>>,
  ): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    const record = await this.#jobs.answer(taskRef, responses);
    this.#news.ringChange(taskRef);
    return record;
  }

  async cancel(taskRef: string): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    const record = await this.#jobs.cancel(taskRef);
    if (record?.status === 'cancelled') {
      this.#onEnd(taskRef);
      this.#news.ring(taskRef);
    }
    return record;
  }

  async recordDelivery(taskRef: string, delivery: WebhookDelivery): Promise<void> {
    this.#throwIfClosed();
    await this.#jobs.recordDelivery(taskRef, delivery);
  }

  startWorker(options: WorkerOptions): EngineWorker {
    this.#throwIfClosed();
    if (this.#worker !== undefined) throw new TypeError('An engine has one worker at most.');
    const { locks, maxResultBytes, onNotice } = this.#options;
    const store = new BullmqWorkerStore({
      locks,
      open: operation => this.#openSource(operation),
      isOwing: operations => this.#isOwing(operations),
    });
    this.#worker = new TaskWorker(
      {
        store,
        maxResultBytes,
        answerWaits: this.#news.answerWaits,
        // The queue's events tell of it.
        onTurn: () => {},
        onReleased: this.#onReleased,
        onLost: this.#onLost,
        onNotice,
      },
      options,
    );
    return this.#worker;
  }

  async stats(windowMs: number): Promise<readonly OperationStats[]> {
    this.#throwIfClosed();
    const queues = await this.#jobs.queues();
    const stats: OperationStats[] = [];
    // One after the other: what is asked for every few seconds leaves room for calls.
    for (const queue of queues) stats.push(await readJobStats(queue, windowMs));
    return stats.filter(hasTasks);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const cared = this.#care.stop();
    await this.#worker?.drain(0);
    await settledSoon([this.#news.endWaits(), cared]);
    const parts = [this.#news, ...this.#workers, this.#jobs];
    await settledSoon(parts.map(part => part.close()));
    await settledSoon([this.#connection.close()]);
  }

  #onEnd(taskRef: string): void {
    this.#submitted.delete(taskRef);
    this.#turns.leave(taskRef);
    this.#worker?.drop(taskRef);
  }

  #openSource(operation: string): JobSource {
    void this.#news.insistOnListening(operation);
    const worker = this.#connection.worker(operation);
    worker.on('error', () => {});
    this.#workers.push(worker);
    return new JobSource(this.#jobs.queue(operation), {
      waiting: worker.getBackend(),
      maxIdleMs: this.#connection.maxIdleMs,
      onLost: this.#onLost,
      onReleased: this.#onReleased,
    });
  }

  readonly #onReleased = (taskRef: string) => this.#news.ring(taskRef);

  readonly #onLost = (record: TaskRecord) => {
    try {
      this.#options.onLost(record);
    } catch {
      // What the caller makes of it is none of the engine's business.
    }
  };

  async #isOwing(operations: readonly string[]): Promise<boolean> {
    for (const taskRef of this.#submitted) {
      if (!operations.includes(operationOf(taskRef) ?? '')) continue;
      const record = await this.#jobs.find(taskRef);
      if (record === undefined || isEnded(record)) this.#submitted.delete(taskRef);
      // What waits for an answer, nobody could give it through a process that only finishes.
      else if (record.inputRequests === undefined) return true;
    }
    return false;
  }

  /** Nobody may be here who hears of the ends of what this engine has submitted. */
  async #forgetEnded(): Promise<void> {
    for (const taskRef of [...this.#turns.taskRefs].slice(0, MOST_LOOKED_AFTER)) {
      if (this.#isClosing) return;
      if (await this.#hasEnded(taskRef)) {
        this.#submitted.delete(taskRef);
        this.#turns.leave(taskRef);
      } else this.#turns.keep(taskRef);
    }
  }

  async #hasEnded(taskRef: string): Promise<boolean> {
    const record = await this.#jobs.find(taskRef);
    return record === undefined || isEnded(record);
  }

  get #isClosing(): boolean {
    return this.#closing !== undefined;
  }

  #throwIfClosed(): void {
    if (this.#isClosing) throw new StoreFailure(`The store ${this.#options.label} was closed.`);
  }
}

/** A store that is away answers nothing any more; what is left of the connections to it then keeps no process alive. */
async function settledSoon(work: readonly Promise<unknown>[]): Promise<void> {
  await atMost(Promise.allSettled(work), CLOSE_STEP_MS).catch(() => {});
}

function hasTasks({ pending, processing, completed, failed, cancelled }: OperationStats): boolean {
  return pending + processing + completed + failed + cancelled > 0;
}
