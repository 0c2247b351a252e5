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
import { StoreCalls } from '../store-calls.js';
import { StoreFailure } from '../store-failure.js';
import { TooManyTasksError } from '../task-errors.js';
import { type ListOptions, type TaskPage, toListQuery } from '../task-list.js';
import { isEnded, type NewTask, type TaskRecord, type WebhookDelivery } from '../task-record.js';
import { operationOf } from '../task-ref.js';
import { TaskWorker } from '../task-worker.js';
import { BullmqWorkerStore } from './bullmq-worker-store.js';
import { listJobs } from './job-list.js';
import { type JobRun, JobSource } from './job-source.js';
import { readJobStats } from './job-stats.js';
import { KnownOperations, REGISTRY } from './known-operations.js';
import type { LockTimes } from './lock-times.js';
import { OwnerLimiter } from './owner-limiter.js';
import type { QueueConnection, StoreWorker } from './queue-connection.js';
import { StoreMaintenance } from './store-maintenance.js';
import { TaskChanges } from './task-changes.js';
import { TaskJobs } from './task-jobs.js';

/** A server whose client has gone does not wait for what is due later. */
const MAX_OWED_DELAY_MS = 30_000;
const MAX_LOOKED_AFTER = 1000;
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
  readonly #changes: TaskChanges;
  readonly #owners: OwnerLimiter;
  /** What this engine's own worker may still have to run. */
  readonly #submitted = new Set<string>();
  readonly #workers: StoreWorker[] = [];
  readonly #maintenance: StoreMaintenance;
  #worker: TaskWorker<JobRun> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: BullmqEngineOptions) {
    this.#options = options;
    this.#connection = options.connection;
    const { connection, label, retentionMs } = options;
    const calls = new StoreCalls({ label, isConnectionError: connection.isConnectionError });
    const known = new KnownOperations(connection.backend(REGISTRY), calls);
    this.#jobs = new TaskJobs({ connection, calls, known, retentionMs, onLost: this.#onLost });
    this.#owners = new OwnerLimiter({
      presentTurn: operation => this.#jobs.queue(operation).presentTurn(),
      hasEnded: taskRef => this.#hasEnded(taskRef),
    });
    this.#changes = new TaskChanges({
      connection,
      jobs: this.#jobs,
      onEnd: taskRef => this.#onEnd(taskRef),
    });
    this.#maintenance = new StoreMaintenance({
      jobs: this.#jobs,
      checkIntervalMs: options.locks.checkIntervalMs,
      onLost: this.#onLost,
      onSwept: () => this.#forgetEnded(),
    });
  }

  async submit(task: NewTask): Promise<Submission> {
    this.#throwIfClosed();
    const submission = await this.#submitInTurn(task);
    const isOwed = submission.created && (task.delayMs ?? 0) <= MAX_OWED_DELAY_MS;
    if (isOwed) this.#submitted.add(task.taskRef);
    return submission;
  }

  async #submitInTurn(task: NewTask): Promise<Submission> {
    const { taskRef, owner, operation, maxUnfinished } = task;
    if (!(await this.#owners.enter(taskRef, owner, maxUnfinished))) {
      const record = await this.#jobs.findByKey(task);
      if (record !== undefined) return { record, created: false };
      throw new TooManyTasksError(maxUnfinished ?? 0);
    }
    try {
      const turn = (task.delayMs ?? 0) > 0 ? undefined : await this.#owners.turnOf(owner, operation);
      const ttlMs = Math.min(task.ttlMs, this.#options.retentionMs);
      const submission = await this.#jobs.submit({ ...task, ttlMs }, turn);
      if (!submission.created) this.#owners.leave(taskRef);
      return submission;
    } catch (error) {
      this.#owners.leave(taskRef);
      throw error;
    }
  }

  async find(taskRef: string): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    return this.#jobs.find(taskRef);
  }

  async waitForEnd(taskRef: string, options: WaitForEndOptions): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    return this.#changes.untilEnd(taskRef, isEnded, options);
  }

  async waitForChange(taskRef: string, options: WaitForChangeOptions): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    return this.#changes.untilChange(taskRef, record => hasChanged(options.known, record), options);
  }

  async answer(
    taskRef: string,
    responses: Readonly<Record<string, InputResponse>>,
  ): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    const record = await this.#jobs.answer(taskRef, responses);
    this.#changes.ringChange(taskRef);
    return record;
  }

  async cancel(taskRef: string): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    const record = await this.#jobs.cancel(taskRef);
    if (record?.status === 'cancelled') {
      this.#onEnd(taskRef);
      this.#changes.ring(taskRef);
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
        answerWaits: this.#changes.answerWaits,
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

  async list(options: ListOptions): Promise<TaskPage> {
    this.#throwIfClosed();
    const query = toListQuery(options);
    const queues = await this.#jobs.queues();
    const { operation = '' } = query;
    return listJobs(
      queues.filter(queue => operation === '' || queue.operation === operation),
      query,
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const cared = this.#maintenance.stop();
    await this.#worker?.drain(0);
    await settledSoon([this.#changes.endWaits(), cared]);
    const parts = [this.#changes, ...this.#workers, this.#jobs];
    await settledSoon(parts.map(part => part.close()));
    await settledSoon([this.#connection.close()]);
  }

  #onEnd(taskRef: string): void {
    this.#submitted.delete(taskRef);
    this.#owners.leave(taskRef);
    this.#worker?.drop(taskRef);
  }

  #openSource(operation: string): JobSource {
    void this.#changes.insistOnListening(operation);
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

  readonly #onReleased = (taskRef: string) => this.#changes.ring(taskRef);

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
    for (const taskRef of [...this.#owners.taskRefs].slice(0, MAX_LOOKED_AFTER)) {
      if (this.#isClosing) return;
      if (await this.#hasEnded(taskRef)) {
        this.#submitted.delete(taskRef);
        this.#owners.leave(taskRef);
      } else this.#owners.keep(taskRef);
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
