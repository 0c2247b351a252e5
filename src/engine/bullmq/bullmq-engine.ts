import { isWithin } from '../../time/at-most.js';
import type { StoreNotice, Submission } from '../engine.js';
import type { OperationStats } from '../operation-stats.js';
import { StoreCalls } from '../store-calls.js';
import { type Responses, StoreEngine } from '../store-engine.js';
import { TooManyTasksError } from '../task-errors.js';
import type { ListQuery, TaskPage } from '../task-list.js';
import { isEnded, type NewTask, type TaskRecord, type WebhookDelivery } from '../task-record.js';
import { operationOf } from '../task-ref.js';
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
/** A store that is away answers nothing any more; what is left of the connections to it then keeps no process alive. */
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
export class BullmqEngine extends StoreEngine<JobRun> {
  protected readonly label: string;
  protected readonly waits: TaskChanges;
  readonly #options: BullmqEngineOptions;
  readonly #connection: QueueConnection;
  readonly #jobs: TaskJobs;
  readonly #owners: OwnerLimiter;
  /** What this engine's own worker may still have to run. */
  readonly #submitted = new Set<string>();
  readonly #workers: StoreWorker[] = [];
  readonly #maintenance: StoreMaintenance;

  constructor(options: BullmqEngineOptions) {
    super(options);
    const { connection, label, retentionMs } = options;
    this.#options = options;
    this.#connection = connection;
    this.label = label;
    const calls = new StoreCalls({ label, isConnectionError: connection.isConnectionError });
    const known = new KnownOperations(connection.backend(REGISTRY), calls);
    this.#jobs = new TaskJobs({
      connection,
      calls,
      known,
      retentionMs,
      onLost: record => this.onLost(record),
    });
    this.#owners = new OwnerLimiter({
      presentTurn: operation => this.#jobs.queue(operation).presentTurn(),
      hasEnded: taskRef => this.#hasEnded(taskRef),
    });
    this.waits = new TaskChanges({
      connection,
      jobs: this.#jobs,
      answerWaits: this.answerWaits,
      onEnd: taskRef => this.#onEnd(taskRef),
    });
    this.#maintenance = new StoreMaintenance({
      jobs: this.#jobs,
      checkIntervalMs: options.locks.checkIntervalMs,
      onLost: record => this.onLost(record),
      onSwept: () => this.#forgetEnded(),
    });
  }

  protected async insert(task: NewTask): Promise<Submission> {
    const submission = await this.#insertInTurn(task);
    const isOwed = submission.created && (task.delayMs ?? 0) <= MAX_OWED_DELAY_MS;
    if (isOwed) this.#submitted.add(task.taskRef);
    return submission;
  }

  async #insertInTurn(task: NewTask): Promise<Submission> {
    const { taskRef, owner, operation, maxUnfinished } = task;
    if (!(await this.#owners.enter(taskRef, owner, maxUnfinished))) {
      const record = await this.#jobs.findByKey(task);
      if (record !== undefined) return { record, created: false };
      throw new TooManyTasksError(maxUnfinished ?? 0);
    }
    try {
      const turn = (task.delayMs ?? 0) > 0 ? undefined : await this.#owners.turnOf(owner, operation);
      const submission = await this.#jobs.submit(task, turn);
      if (!submission.created) this.#owners.leave(taskRef);
      return submission;
    } catch (error) {
      this.#owners.leave(taskRef);
      throw error;
    }
  }

  protected look(taskRef: string): Promise<TaskRecord | undefined> {
    return this.#jobs.find(taskRef);
  }

  protected async storeAnswers(taskRef: string, responses: Responses): Promise<TaskRecord | undefined> {
    const record = await this.#jobs.answer(taskRef, responses);
    this.waits.ringChange(taskRef);
    return record;
  }

  protected async storeCancel(taskRef: string): Promise<TaskRecord | undefined> {
    const record = await this.#jobs.cancel(taskRef);
    if (record?.status === 'cancelled') {
      this.#onEnd(taskRef);
      this.waits.ring(taskRef);
    }
    return record;
  }

  protected storeDelivery(taskRef: string, delivery: WebhookDelivery): Promise<void> {
    return this.#jobs.recordDelivery(taskRef, delivery);
  }

  protected workerParts() {
    const store = new BullmqWorkerStore({
      locks: this.#options.locks,
      open: operation => this.#openSource(operation),
      isOwing: operations => this.#isOwing(operations),
    });
    // Of a turn, the queue's events tell.
    const onTurn = () => {};
    return { store, onTurn, onReleased: this.#onReleased };
  }

  protected async readStats(windowMs: number): Promise<readonly OperationStats[]> {
    const queues = await this.#jobs.queues();
    const stats: OperationStats[] = [];
    // One after the other: what is asked for every few seconds leaves room for calls.
    for (const queue of queues) stats.push(await readJobStats(queue, windowMs));
    return stats.filter(hasTasks);
  }

  protected async readPage(query: ListQuery): Promise<TaskPage> {
    const queues = await this.#jobs.queues();
    const { operation = '' } = query;
    return listJobs(
      queues.filter(queue => operation === '' || queue.operation === operation),
      query,
    );
  }

  protected async release(): Promise<void> {
    const cared = this.#maintenance.stop();
    await this.worker?.drain(0);
    await isWithin(Promise.allSettled([this.waits.endWaits(), cared]), CLOSE_STEP_MS);
    const parts = [this.waits, ...this.#workers, this.#jobs];
    const closed = Promise.allSettled(parts.map(part => part.close()));
    await isWithin(closed, CLOSE_STEP_MS);
    await isWithin(Promise.allSettled([this.#connection.close()]), CLOSE_STEP_MS);
  }

  #onEnd(taskRef: string): void {
    this.#submitted.delete(taskRef);
    this.#owners.leave(taskRef);
    this.worker?.drop(taskRef);
  }

  #openSource(operation: string): JobSource {
    void this.waits.insistOnListening(operation);
    const worker = this.#connection.worker(operation);
    worker.on('error', () => {});
    this.#workers.push(worker);
    return new JobSource(this.#jobs.queue(operation), {
      waiting: worker.getBackend(),
      maxIdleMs: this.#connection.maxIdleMs,
      onLost: record => this.onLost(record),
      onReleased: this.#onReleased,
    });
  }

  readonly #onReleased = (taskRef: string) => this.waits.ring(taskRef);

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
      if (this.isClosing) return;
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
}

function hasTasks({ pending, processing, completed, failed, cancelled }: OperationStats): boolean {
  return pending + processing + completed + failed + cancelled > 0;
}
