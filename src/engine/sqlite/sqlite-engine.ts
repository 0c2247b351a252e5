import { randomUUID } from 'node:crypto';
import type { Database } from '../../storage/driver.js';
import { reasonOf } from '../../storage/failure-reason.js';
import { type Clock, systemClock } from '../clock.js';
import type { Engine, EngineOptions, EngineWorker, Submission, WorkerOptions } from '../engine.js';
import { DEFAULT_LEASE_MS } from '../engine-defaults.js';
import type { OperationStats } from '../operation-stats.js';
import { RecordLooks } from '../record-looks.js';
import { isInvalid } from '../record-shape.js';
import { type Responses, StoreEngine } from '../store-engine.js';
import { StoreFailure } from '../store-failure.js';
import { TooManyTasksError } from '../task-errors.js';
import type { ListQuery, TaskPage } from '../task-list.js';
import { isEnded, type NewTask, type TaskRecord, type WebhookDelivery } from '../task-record.js';
import { ChangeWatch } from './change-watch.js';
import { ELSEWHERE, openDatabase } from './database.js';
import { GroupCommit } from './group-commit.js';
import { SqliteWorkerStore } from './sqlite-worker-store.js';
import { prepareStats } from './stats-query.js';
import { StoreFile } from './store-file.js';
import { startMaintenance, tryTo } from './store-maintenance.js';
import type { Run } from './task-statements.js';
import { TaskTable } from './task-table.js';
import { leaseTimes, WorkerLeases } from './worker-leases.js';

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

class SqliteEngine extends StoreEngine<Run> {
  readonly #file: StoreFile;
  readonly #database: Database;
  readonly #clock: Clock;
  /** Names this engine in the rows that it submits, and its worker in those that it runs. */
  readonly #instance = randomUUID();
  readonly #table: TaskTable;
  readonly #commits: GroupCommit;
  readonly #leases: WorkerLeases;
  readonly #watch: ChangeWatch;
  readonly #stats: ReturnType<typeof prepareStats>;
  protected readonly waits: RecordLooks;
  readonly #tasks: SqliteWorkerStore;
  readonly #stopMaintenance: () => void;

  constructor(file: string, options: SqliteEngineOptions) {
    super(options);
    const { clock = systemClock, leaseMs = DEFAULT_LEASE_MS, onNotice = () => {} } = options;
    this.#clock = clock;
    const times = leaseTimes(leaseMs);
    this.#database = openDatabase(file);
    this.#file = new StoreFile(file, onNotice);
    this.#table = new TaskTable(this.#database, clock);
    this.#commits = new GroupCommit(this.#database);
    this.#leases = new WorkerLeases(this.#database, clock, times);
    this.#stats = prepareStats(this.#database);
    this.waits = new RecordLooks({
      clock,
      find: taskRef => this.look(taskRef),
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
        this.onLost(record);
        this.#onOwnChange(record.taskRef);
      },
      onProgress: taskRef => this.waits.ringChange(taskRef),
    });
    this.#watch = new ChangeWatch(this.#database, () => this.#onForeignChange());
    this.#stopMaintenance = startMaintenance({
      ...shared,
      file: this.#file,
      running: () => [...this.#tasks.claimed, ...(this.worker?.taskRefs ?? [])],
      onLost: record => this.onLost(record),
      onBeat: () => this.#onForeignChange(),
    });
  }

  protected get label(): string {
    return this.#file.path;
  }

  protected override assertOpen(): void {
    super.assertOpen();
    this.#file.assertInPlace();
  }

  protected async insert(task: NewTask): Promise<Submission> {
    const submission = await this.#write(() => this.#table.insert(task, this.#instance));
    if (submission.created) this.#tasks.ring();
    return submission;
  }

  protected async storeAnswers(taskRef: string, responses: Responses): Promise<TaskRecord | undefined> {
    await this.#write(() => this.#table.questions.answer(taskRef, responses));
    return this.find(taskRef);
  }

  protected async storeCancel(taskRef: string): Promise<TaskRecord | undefined> {
    const record = await this.#write(() => this.#table.cancel(taskRef));
    tryTo(() => this.#dropEnded());
    this.#onOwnChange(taskRef);
    return record;
  }

  override startWorker(options: WorkerOptions): EngineWorker {
    const worker = super.startWorker(options);
    this.#payAttention();
    return worker;
  }

  protected workerParts() {
    const onOwnTurn = (taskRef: string) => {
      // A place may have become free.
      this.#tasks.ring();
      this.#onOwnChange(taskRef);
    };
    return { store: this.#tasks, onTurn: onOwnTurn, onReleased: onOwnTurn };
  }

  protected async storeDelivery(taskRef: string, delivery: WebhookDelivery): Promise<void> {
    await this.#write(() => this.#table.recordDelivery(taskRef, delivery));
  }

  protected async readStats(windowMs: number): Promise<readonly OperationStats[]> {
    return this.#attempt(() => this.#stats(this.#clock.now(), windowMs));
  }

  protected async readPage(query: ListQuery): Promise<TaskPage> {
    return this.#attempt(() => this.#table.list(query));
  }

  protected async release(): Promise<void> {
    this.#stopMaintenance();
    this.#watch.pay('none');
    await this.#commits.settled();
    await this.worker?.drain(0);
    await this.waits.close();
    await this.#commits.write(() => this.#leases.remove(this.#instance)).catch(() => {});
    this.#database.close();
  }

  /** Lets go of runs that no longer count, such as by a cancel in another process. */
  #dropEnded(): void {
    for (const run of this.worker?.runs ?? []) {
      if (!this.#table.isRunning(run)) this.worker?.drop(run.taskRef);
    }
  }

  #onForeignChange(): void {
    tryTo(() => this.#dropEnded());
    tryTo(() => this.#ringForChanges());
    this.waits.ringAll();
    this.#tasks.ring();
  }

  /** One look for all runs that wait for an answer. */
  #ringForChanges(): void {
    if (this.answerWaits.count === 0) return;
    for (const taskRef of this.#table.questions.withChanges(this.#instance)) this.answerWaits.ring(taskRef);
  }

  #onOwnChange(taskRef: string): void {
    this.waits.ring(taskRef);
    this.#payAttention();
  }

  #payAttention(): void {
    if (this.isClosing) return;
    const eager = this.waits.count > 0 || this.worker?.isBusy === true;
    this.#watch.pay(eager ? 'eager' : this.worker === undefined ? 'none' : 'relaxed');
  }

  protected look(taskRef: string): TaskRecord | undefined {
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
      this.onLost(record);
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
