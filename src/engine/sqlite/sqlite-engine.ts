import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Database } from '../../storage/driver.js';
import { reasonOf } from '../../storage/failure-reason.js';
import { type Clock, systemClock } from '../clock.js';
import type {
  Engine,
  EngineOptions,
  EngineWorker,
  StoreNotice,
  Submission,
  WaitForChangeOptions,
  WaitForEndOptions,
  WorkerOptions,
} from '../engine.js';
import { DEFAULT_LEASE_MS, DEFAULT_MAX_RESULT_BYTES, DEFAULT_RETENTION_MS } from '../engine-defaults.js';
import type { OperationStats } from '../operation-stats.js';
import type { InputResponse } from '../question.js';
import { hasChanged } from '../record-change.js';
import { isInvalid } from '../record-shape.js';
import { RecordWaits } from '../record-waits.js';
import { StoreFailure } from '../store-failure.js';
import { TooManyTasksError } from '../task-errors.js';
import { type ListOptions, type TaskPage, toListQuery } from '../task-list.js';
import { isEnded, type NewTask, type TaskRecord, type WebhookDelivery } from '../task-record.js';
import { TaskWaits } from '../task-waits.js';
import { TaskWorker } from '../task-worker.js';
import { ChangeWatch } from './change-watch.js';
import { ELSEWHERE, openDatabase } from './database.js';
import { GroupCommit } from './group-commit.js';
import { leaseTimes } from './lease.js';
import { SqliteWorkerStore } from './sqlite-worker-store.js';
import { prepareStats } from './stats-query.js';
import { StoreFile } from './store-file.js';
import { startMaintenance, tryTo } from './store-maintenance.js';
import type { Run } from './task-statements.js';
import { TaskTable } from './task-table.js';
import { WorkerLeases } from './worker-leases.js';

export interface SqliteEngineOptions extends EngineOptions {
  /** @default the computer's clocks */
  readonly clock?: Clock | undefined;
}

/**
 * The embedded engine: one SQLite file that several processes may share, or `:memory:`.
 * @throws ConfigurationError when the file cannot be opened
 */
export function openSqliteEngine(file: string, options: SqliteEngineOptions = {}): Engine {
  return new SqliteEngine(file, options);
}

class SqliteEngine implements Engine {
  readonly #file: StoreFile;
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #onLost: (record: TaskRecord) => void;
  /** Names this engine in the rows that it submits, and its worker in those that it runs. */
  readonly #instance = randomUUID();
  readonly #table: TaskTable;
  readonly #commits: GroupCommit;
  readonly #leases: WorkerLeases;
  readonly #watch: ChangeWatch;
  readonly #readStats: ReturnType<typeof prepareStats>;
  readonly #waits: RecordWaits;
  /** Of the runs of this engine's worker. */
  readonly #answerWaits = new TaskWaits();
  readonly #tasks: SqliteWorkerStore;
  readonly #options: { readonly maxResultBytes: number; readonly onNotice: (notice: StoreNotice) => void };
  #worker: TaskWorker<Run> | undefined;
  readonly #stopMaintenance: () => void;
  #closing: Promise<void> | undefined;

  constructor(file: string, options: SqliteEngineOptions) {
    const {
      clock = systemClock,
      leaseMs = DEFAULT_LEASE_MS,
      maxResultBytes = DEFAULT_MAX_RESULT_BYTES,
      retentionMs = DEFAULT_RETENTION_MS,
      onLost = () => {},
      onNotice = () => {},
    } = options;
    this.#options = { maxResultBytes, onNotice };
    this.#clock = clock;
    const times = leaseTimes(leaseMs);
    this.#onLost = record => tryTo(() => onLost(record));
    this.#database = openDatabase(file);
    this.#file = new StoreFile(file, onNotice);
    this.#table = new TaskTable(this.#database, clock, retentionMs);
    this.#commits = new GroupCommit(this.#database);
    this.#leases = new WorkerLeases(this.#database, clock, times);
    this.#readStats = prepareStats(this.#database);
    this.#waits = new RecordWaits({
      clock,
      look: taskRef => this.#look(taskRef),
      onCount: () => this.#payAttention(),
    });
    const shared = {
      table: this.#table,
      commits: this.#commits,
      leases: this.#leases,
      instance: this.#instance,
      beatMs: times.beatMs,
    };
    this.#tasks = new SqliteWorkerStore({
      ...shared,
      onInvalid: record => {
        this.#onLost(record);
        this.#onOwnChange(record.taskRef);
      },
      onProgress: taskRef => this.#waits.ringProgress(taskRef),
    });
    this.#watch = new ChangeWatch(this.#database, () => this.#onForeignChange());
    this.#stopMaintenance = startMaintenance({
      ...shared,
      file: this.#file,
      running: () => [...this.#tasks.claimed, ...(this.#worker?.taskRefs ?? [])],
      onLost: this.#onLost,
      onBeat: () => this.#onForeignChange(),
    });
  }

  async submit(task: NewTask): Promise<Submission> {
    this.#throwIfClosed();
    const submission = await this.#write(() => this.#table.insert(task, this.#instance));
    if (submission.created) this.#tasks.ring();
    return submission;
  }

  async find(taskRef: string): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    return this.#look(taskRef);
  }

  async waitForEnd(taskRef: string, options: WaitForEndOptions): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    return this.#waits.untilEnd(taskRef, isEnded, options);
  }

  async waitForChange(taskRef: string, options: WaitForChangeOptions): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    return this.#waits.untilChange(taskRef, record => hasChanged(options.known, record), options);
  }

  async answer(
    taskRef: string,
    responses: Readonly<Record<string, InputResponse>>,
  ): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    await this.#write(() => this.#table.questions.answer(taskRef, responses));
    this.#answerWaits.ring(taskRef);
    this.#onOwnChange(taskRef);
    return this.find(taskRef);
  }

  async cancel(taskRef: string): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    const record = await this.#write(() => this.#table.cancel(taskRef));
    tryTo(() => this.#dropEnded());
    this.#onOwnChange(taskRef);
    return record;
  }

  startWorker(options: WorkerOptions): EngineWorker {
    this.#throwIfClosed();
    if (this.#worker !== undefined) throw new TypeError('An engine has one worker at most.');
    this.#worker = new TaskWorker(
      {
        ...this.#options,
        store: this.#tasks,
        answerWaits: this.#answerWaits,
        onTurn: taskRef => this.#onOwnTurn(taskRef),
        onReleased: taskRef => this.#onOwnTurn(taskRef),
        onLost: this.#onLost,
      },
      options,
    );
    this.#payAttention();
    return this.#worker;
  }

  async recordDelivery(taskRef: string, delivery: WebhookDelivery): Promise<void> {
    this.#throwIfClosed();
    await this.#write(() => this.#table.recordDelivery(taskRef, delivery));
  }

  async stats(windowMs: number): Promise<readonly OperationStats[]> {
    this.#throwIfClosed();
    return this.#attempt(() => this.#readStats(this.#clock.now(), windowMs));
  }

  async list(options: ListOptions): Promise<TaskPage> {
    this.#throwIfClosed();
    const query = toListQuery(options);
    return this.#attempt(() => this.#table.list(query));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stopMaintenance();
    this.#watch.pay('none');
    await this.#commits.settled();
    await this.#worker?.drain(0);
    this.#waits.close();
    // In this turn, every wait takes its last look.
    await setImmediate();
    await this.#commits.write(() => this.#leases.remove(this.#instance)).catch(() => {});
    this.#database.close();
  }

  /** Lets go of runs that no longer count, such as by a cancel in another process. */
  #dropEnded(): void {
    for (const run of this.#worker?.runs ?? []) {
      if (!this.#table.isRunning(run)) this.#worker?.drop(run.taskRef);
    }
  }

  #onForeignChange(): void {
    tryTo(() => this.#dropEnded());
    tryTo(() => this.#ringForChanges());
    this.#waits.ringAll();
    this.#tasks.ring();
  }

  /** One look for all runs that wait for an answer. */
  #ringForChanges(): void {
    if (this.#answerWaits.count === 0) return;
    for (const taskRef of this.#table.questions.withChanges(this.#instance)) this.#answerWaits.ring(taskRef);
  }

  #onOwnChange(taskRef: string): void {
    this.#waits.ring(taskRef);
    this.#payAttention();
  }

  /** A place may have become free. */
  #onOwnTurn(taskRef: string): void {
    this.#tasks.ring();
    this.#onOwnChange(taskRef);
  }

  #payAttention(): void {
    if (this.#isClosing) return;
    const eager = this.#waits.count > 0 || this.#worker?.isBusy === true;
    this.#watch.pay(eager ? 'eager' : this.#worker === undefined ? 'none' : 'relaxed');
  }

  get #isClosing(): boolean {
    return this.#closing !== undefined;
  }

  #throwIfClosed(): void {
    if (this.#isClosing) throw new StoreFailure(`The store ${this.#file.path} was closed.`);
    this.#file.assertInPlace();
  }

  #look(taskRef: string): TaskRecord | undefined {
    const record = this.#attempt(() => this.#table.find(taskRef));
    if (record !== undefined && isInvalid(record)) void this.#failInvalid(record);
    return record;
  }

  #write<Value>(work: () => Value): Promise<Value> {
    return this.#commits.write(work).catch(cause => this.#refuse(cause));
  }

  /** What was read as failed fails in the store, too, where it has not ended. */
  async #failInvalid(record: TaskRecord): Promise<void> {
    const { taskRef } = record;
    try {
      const status = this.#table.status(taskRef);
      if (status === undefined || isEnded({ status })) return;
      if (!(await this.#commits.write(() => this.#table.failInvalid(taskRef)))) return;
      this.#onLost(record);
      this.#dropEnded();
      this.#onOwnChange(taskRef);
    } catch {
      // The next look tries again.
    }
  }

  #attempt<Value>(work: () => Value): Value {
    try {
      return work();
    } catch (cause) {
      return this.#refuse(cause);
    }
  }

  #refuse(cause: unknown): never {
    if (cause instanceof TooManyTasksError) throw cause;
    throw new StoreFailure(`The store ${this.#file.path} refused: ${reasonOf(cause, ELSEWHERE)}`, { cause });
  }
}
