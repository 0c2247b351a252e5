import { randomUUID } from 'node:crypto';
import type Database from 'libsql';
import { Alarm } from '../../time/alarm.js';
import { startTimer } from '../../time/sleep.js';
import { type Clock, systemClock } from '../clock.js';
import type { Engine, EngineWorker, Submission, WaitForEndOptions, WorkerOptions } from '../engine.js';
import type { EngineOptions } from '../open-engine.js';
import { StoreFailure } from '../store-failure.js';
import { isEnded, type NewTask, type TaskRecord } from '../task-record.js';
import { ChangeWatch } from './change-watch.js';
import { openDatabase } from './database.js';
import { reasonOf } from './failure-reason.js';
import { Instances } from './instances.js';
import { LeaseJudge, leaseTimes } from './lease.js';
import { SqliteWorker } from './sqlite-worker.js';
import { TaskTable } from './task-table.js';

const DEFAULT_LEASE_MS = 30_000;
const DEFAULT_MAX_RESULT_BYTES = 16 * 1024 * 1024;
const SWEEP_BATCH = 1000;
const NEVER = new AbortController().signal;

export interface SqliteEngineOptions extends EngineOptions {
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
  readonly #file: string;
  readonly #database: Database.Database;
  readonly #maxResultBytes: number;
  readonly #instance = randomUUID();
  readonly #table: TaskTable;
  readonly #instances: Instances;
  readonly #judge: LeaseJudge;
  readonly #beatMs: number;
  readonly #watch: ChangeWatch;
  readonly #clock: Clock;
  /** Waits for the end of a task, by its reference. */
  readonly #waits = new Map<string, Set<Alarm>>();
  #worker: SqliteWorker | undefined;
  #stopBeating = () => {};
  #closed = false;

  constructor(file: string, options: SqliteEngineOptions) {
    const {
      clock = systemClock,
      leaseMs = DEFAULT_LEASE_MS,
      maxResultBytes = DEFAULT_MAX_RESULT_BYTES,
    } = options;
    const times = leaseTimes(leaseMs);
    this.#file = file;
    this.#clock = clock;
    this.#maxResultBytes = maxResultBytes;
    this.#beatMs = times.beatMs;
    this.#database = openDatabase(file);
    this.#table = new TaskTable(this.#database, clock);
    this.#instances = new Instances(this.#database, clock, times);
    this.#judge = new LeaseJudge(clock, times);
    this.#watch = new ChangeWatch(this.#database, () => this.#onForeignChange());
    this.#beat();
  }

  async submit(task: NewTask): Promise<Submission> {
    const submission = this.#guard(() => this.#table.insert(task, this.#instance));
    // The answer goes out first: no work runs inside the request that asked for it.
    if (submission.created) setImmediate(() => this.#takeWork());
    return submission;
  }

  async find(taskRef: string): Promise<TaskRecord | undefined> {
    return this.#guard(() => this.#table.find(taskRef));
  }

  async waitForEnd(
    taskRef: string,
    { timeoutMs, signal = NEVER }: WaitForEndOptions,
  ): Promise<TaskRecord | undefined> {
    signal.throwIfAborted();
    const deadline = this.#clock.monotonic() + timeoutMs;
    const alarm = new Alarm();
    this.#addWait(taskRef, alarm);
    try {
      for (;;) {
        const record = await this.find(taskRef);
        const remainingMs = deadline - this.#clock.monotonic();
        if (record === undefined || isEnded(record) || remainingMs <= 0) return record;
        await alarm.sleep(remainingMs, signal);
        if (this.#closed) return record;
      }
    } finally {
      this.#removeWait(taskRef, alarm);
    }
  }

  async cancel(taskRef: string): Promise<TaskRecord | undefined> {
    const record = this.#guard(() => {
      this.#table.cancel(taskRef);
      return this.#table.find(taskRef);
    });
    this.#worker?.dropEnded();
    this.#onOwnChange(taskRef);
    return record;
  }

  startWorker(options: WorkerOptions): EngineWorker {
    if (this.#worker !== undefined) throw new TypeError('An engine has one worker at most.');
    this.#worker = new SqliteWorker(
      {
        table: this.#table,
        instance: this.#instance,
        maxResultBytes: this.#maxResultBytes,
        onChange: taskRef => this.#onOwnChange(taskRef),
      },
      options,
    );
    this.#instances.renew(this.#instance, true);
    setImmediate(() => this.#takeWork());
    return this.#worker;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#worker?.drain(0);
    this.#closed = true;
    this.#stopBeating();
    this.#watch.pay('none');
    this.#ring([...this.#waits.values()]);
    this.#instances.remove(this.#instance);
    this.#database.close();
  }

  /** Renews this instance's lease, and does what every living instance does for the whole store. */
  #beat(): void {
    this.#stopBeating = startTimer(this.#beatMs, () => this.#beat(), { unref: true });
    try {
      this.#instances.renew(this.#instance, this.#worker !== undefined);
      this.#instances.clampFuture();
      if (this.#judge.mayJudge()) {
        if (this.#table.failLost(this.#instance) > 0) this.#onForeignChange();
        this.#instances.removeLapsed();
      }
      this.#table.removeExpired(SWEEP_BATCH);
    } catch {
      // A full disk or a long lock: the next beat tries again, and a lease outlives several beats.
    }
  }

  #takeWork(): void {
    if (this.#closed) return;
    this.#worker?.takeWork();
    this.#payAttention();
  }

  #onForeignChange(): void {
    this.#worker?.dropEnded();
    this.#ring([...this.#waits.values()]);
    this.#takeWork();
  }

  #onOwnChange(taskRef: string): void {
    const waits = this.#waits.get(taskRef);
    if (waits !== undefined) this.#ring([waits]);
    this.#payAttention();
  }

  #ring(waits: readonly Set<Alarm>[]): void {
    for (const alarms of waits) for (const alarm of alarms) alarm.ring();
  }

  #addWait(taskRef: string, alarm: Alarm): void {
    const alarms = this.#waits.get(taskRef) ?? new Set();
    this.#waits.set(taskRef, alarms.add(alarm));
    this.#payAttention();
  }

  #removeWait(taskRef: string, alarm: Alarm): void {
    const alarms = this.#waits.get(taskRef);
    alarms?.delete(alarm);
    if (alarms?.size === 0) this.#waits.delete(taskRef);
    this.#payAttention();
  }

  #payAttention(): void {
    if (this.#closed) return;
    const eager = this.#waits.size > 0 || this.#worker?.isBusy === true;
    this.#watch.pay(eager ? 'eager' : this.#worker === undefined ? 'none' : 'relaxed');
  }

  #guard<Value>(work: () => Value): Value {
    if (this.#closed) throw new StoreFailure('The store was closed.');
    try {
      return work();
    } catch (cause) {
      throw new StoreFailure(`The store ${this.#file} refused: ${reasonOf(cause)}`, { cause });
    }
  }
}
