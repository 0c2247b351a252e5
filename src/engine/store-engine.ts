import type {
  Engine,
  EngineOptions,
  EngineWorker,
  Submission,
  WaitForChangeOptions,
  WaitForEndOptions,
  WorkerOptions,
} from './engine.js';
import { DEFAULT_MAX_RESULT_BYTES, DEFAULT_RETENTION_MS } from './engine-defaults.js';
import type { OperationStats } from './operation-stats.js';
import type { Responses } from './question.js';
import { hasChanged } from './record-change.js';
import type { RecordLooks } from './record-looks.js';
import { StoreFailure } from './store-failure.js';
import { type ListOptions, type ListQuery, type TaskPage, toListQuery } from './task-list.js';
import { isEnded, type NewTask, type TaskRecord, type WebhookDelivery } from './task-record.js';
import { TaskWaits } from './task-waits.js';
import { TaskWorker, type TaskWorkerContext } from './task-worker.js';

export type { Responses } from './question.js';

type Found = TaskRecord | undefined;
export type OwnOptions = Pick<EngineOptions, 'maxResultBytes' | 'retentionMs' | 'onLost' | 'onNotice'>;

/** What a worker needs of an engine's own. */
export type WorkerParts<Run> = Pick<TaskWorkerContext<Run>, 'store' | 'onTurn' | 'onReleased'>;

/**
 * What every engine does alike: it takes no call once it is closed, lets callers wait, and has one worker at most. An
 * engine of its own says what its store does.
 */
export abstract class StoreEngine<Run> implements Engine {
  readonly #options: OwnOptions;
  /** Of the runs of this engine's worker. */
  protected readonly answerWaits = new TaskWaits();
  #worker: TaskWorker<Run> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: OwnOptions) {
    this.#options = options;
  }

  /** Of the store, for messages: without credentials. */
  protected abstract readonly label: string;
  protected abstract readonly waits: RecordLooks;
  /** Its `ttlMs` is within the retention. */
  protected abstract insert(task: NewTask): Promise<Submission>;
  protected abstract look(taskRef: string): Promise<Found> | Found;
  protected abstract storeAnswers(taskRef: string, responses: Responses): Promise<Found>;
  protected abstract storeCancel(taskRef: string): Promise<Found>;
  protected abstract storeDelivery(taskRef: string, delivery: WebhookDelivery): Promise<void>;
  protected abstract readStats(windowMs: number): Promise<readonly OperationStats[]>;
  protected abstract readPage(query: ListQuery): Promise<TaskPage>;
  protected abstract workerParts(): WorkerParts<Run>;
  /** Ends all waits and stops the worker, and then releases everything. */
  protected abstract release(): Promise<void>;

  async submit(task: NewTask): Promise<Submission> {
    this.assertOpen();
    const { retentionMs = DEFAULT_RETENTION_MS } = this.#options;
    return this.insert({ ...task, ttlMs: Math.min(task.ttlMs, retentionMs) });
  }

  async find(taskRef: string): Promise<Found> {
    this.assertOpen();
    return this.look(taskRef);
  }

  async waitForEnd(taskRef: string, options: WaitForEndOptions): Promise<Found> {
    this.assertOpen();
    return this.waits.untilEnd(taskRef, isEnded, options);
  }

  async waitForChange(taskRef: string, options: WaitForChangeOptions): Promise<Found> {
    this.assertOpen();
    return this.waits.untilChange(taskRef, record => hasChanged(options.known, record), options);
  }

  async answer(taskRef: string, responses: Responses): Promise<Found> {
    this.assertOpen();
    const record = await this.storeAnswers(taskRef, responses);
    this.answerWaits.ring(taskRef);
    this.waits.ringChange(taskRef);
    return record;
  }

  async cancel(taskRef: string): Promise<Found> {
    this.assertOpen();
    return this.storeCancel(taskRef);
  }

  startWorker(options: WorkerOptions): EngineWorker {
    this.assertOpen();
    if (this.#worker !== undefined) throw new TypeError('An engine has one worker at most.');
    const { maxResultBytes = DEFAULT_MAX_RESULT_BYTES, onNotice = () => {} } = this.#options;
    const onLost = (record: TaskRecord) => this.onLost(record);
    const own = { maxResultBytes, onNotice, onLost, answerWaits: this.answerWaits };
    this.#worker = new TaskWorker({ ...own, ...this.workerParts() }, options);
    return this.#worker;
  }

  async recordDelivery(taskRef: string, delivery: WebhookDelivery): Promise<void> {
    this.assertOpen();
    await this.storeDelivery(taskRef, delivery);
  }

  async stats(windowMs: number): Promise<readonly OperationStats[]> {
    this.assertOpen();
    return this.readStats(windowMs);
  }

  async list(options: ListOptions): Promise<TaskPage> {
    this.assertOpen();
    return this.readPage(toListQuery(options));
  }

  close(): Promise<void> {
    this.#closing ??= this.release();
    return this.#closing;
  }

  protected get worker(): TaskWorker<Run> | undefined {
    return this.#worker;
  }

  protected get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** @throws StoreFailure once the engine is closed */
  protected assertOpen(): void {
    if (this.isClosing) throw new StoreFailure(`The store ${this.label} was closed.`);
  }

  /** Tells of a task that was failed without its run having ended it. */
  protected onLost(record: TaskRecord): void {
    try {
      this.#options.onLost?.(record);
    } catch {
      // What the caller makes of it is none of the engine's business.
    }
  }
}
