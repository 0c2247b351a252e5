import { atMost } from '../../time/at-most.js';
import { untilAborted } from '../../time/signals.js';
import { startTimer } from '../../time/sleep.js';
import type {
  Engine,
  EngineWorker,
  StoreNotice,
  Submission,
  WaitForEndOptions,
  WorkerOptions,
} from '../engine.js';
import type { OperationStats } from '../operation-stats.js';
import { StoreFailure } from '../store-failure.js';
import { isEnded, type NewTask, type TaskRecord, type WebhookDelivery } from '../task-record.js';
import { operationOf } from '../task-ref.js';
import { TaskWaits } from '../task-waits.js';
import { BullmqWorker, type JobSource } from './bullmq-worker.js';
import { readJobStats } from './job-stats.js';
import { KnownOperations, REGISTRY } from './known-operations.js';
import type { LockTimes } from './lock-times.js';
import type { QueueConnection, StoreEnds, StoreWorker } from './queue-connection.js';
import { StoreCalls } from './store-calls.js';
import { StoreCare } from './store-care.js';
import { TaskJobs } from './task-jobs.js';

/** Should an event of a task's end get lost, its wait notices after so long. */
const RECHECK_MS = 2000;
/** A server whose client has gone does not wait for what is due later. */
const LONGEST_OWED_DELAY_MS = 30_000;
const RETRY_MS = 1000;
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
  readonly #listening = new Map<string, Promise<void>>();
  /** The operations whose ends are heard by now. */
  readonly #heard = new Set<string>();
  readonly #ends: StoreEnds[] = [];
  readonly #waits = new TaskWaits();
  /** Every wait of a caller, until it has had its last look. */
  readonly #openWaits = new Set<Promise<unknown>>();
  /** What this engine's own worker may still have to run. */
  readonly #submitted = new Set<string>();
  readonly #workers: StoreWorker[] = [];
  readonly #care: StoreCare;
  #worker: BullmqWorker | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: BullmqEngineOptions) {
    this.#options = options;
    this.#connection = options.connection;
    const { connection, label, retentionMs } = options;
    const calls = new StoreCalls({ label, isConnectionError: connection.isConnectionError });
    const known = new KnownOperations(connection.backend(REGISTRY), calls);
    this.#jobs = new TaskJobs({ connection, calls, known, retentionMs, onLost: this.#onLost });
    this.#care = new StoreCare({
      jobs: this.#jobs,
      checkIntervalMs: options.locks.checkIntervalMs,
      onLost: this.#onLost,
      onSwept: () => this.#forgetEnded(),
    });
  }

  async submit(task: NewTask): Promise<Submission> {
    this.#throwIfClosed();
    const ttlMs = Math.min(task.ttlMs, this.#options.retentionMs);
    const submission = await this.#jobs.submit({ ...task, ttlMs });
    const isOwed = submission.created && (task.delayMs ?? 0) <= LONGEST_OWED_DELAY_MS;
    if (isOwed) this.#submitted.add(task.taskRef);
    return submission;
  }

  async find(taskRef: string): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    return this.#jobs.find(taskRef);
  }

  async waitForEnd(taskRef: string, options: WaitForEndOptions): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    options.signal?.throwIfAborted();
    const wait = this.#waitForEnd(taskRef, options);
    this.#openWaits.add(wait);
    return wait.finally(() => this.#openWaits.delete(wait));
  }

  async waitForChange(): Promise<TaskRecord | undefined> {
    throw new StoreFailure(`The store ${this.#options.label} tells of no changes yet.`);
  }

  async answer(): Promise<TaskRecord | undefined> {
    throw new StoreFailure(`The store ${this.#options.label} keeps no questions yet.`);
  }

  async cancel(taskRef: string): Promise<TaskRecord | undefined> {
    this.#throwIfClosed();
    const record = await this.#jobs.cancel(taskRef);
    if (record?.status === 'cancelled') this.#onEnd(taskRef);
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
    this.#worker = new BullmqWorker(
      {
        locks,
        maxResultBytes,
        onLost: this.#onLost,
        onNotice,
        onReleased: taskRef => this.#waits.ring(taskRef),
        open: operation => this.#openSource(operation),
        isOwing: operations => this.#isOwing(operations),
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
    this.#waits.ringAll();
    await settledSoon([...this.#openWaits, cared]);
    const parts = [...this.#ends, ...this.#workers, this.#jobs];
    await settledSoon(parts.map(part => part.close()));
    await settledSoon([this.#connection.close()]);
  }

  async #waitForEnd(
    taskRef: string,
    { timeoutMs, signal = new AbortController().signal }: WaitForEndOptions,
  ): Promise<TaskRecord | undefined> {
    const deadline = performance.now() + timeoutMs;
    const wait = this.#waits.add(taskRef);
    try {
      for (;;) {
        const record = await untilAborted(this.#jobs.find(taskRef), signal);
        const remainingMs = deadline - performance.now();
        if (record === undefined || isEnded(record) || remainingMs <= 0 || this.#isClosing) return record;
        if (this.#heard.has(record.operation)) {
          await wait.alarm.sleep(Math.min(remainingMs, RECHECK_MS), signal);
        } else {
          // Once the ends are heard, another look finds what has ended before.
          await untilAborted(this.#listen(record.operation), signal);
        }
      }
    } finally {
      wait.remove();
    }
  }

  /** Hears of the ends of an operation's tasks from then on. */
  #listen(operation: string): Promise<void> {
    const listening = this.#listening.get(operation) ?? this.#startListening(operation);
    this.#listening.set(operation, listening);
    // Asked again by the next who wants to hear.
    listening.catch(() => this.#listening.delete(operation));
    return listening;
  }

  async #startListening(operation: string): Promise<void> {
    const since = await this.#jobs.queue(operation).lastEventId();
    if (this.#isClosing) return;
    const onEnd = (taskRef: string) => this.#onEnd(taskRef);
    this.#ends.push(this.#connection.ends(operation, { since, onEnd }));
    this.#heard.add(operation);
  }

  /** A worker has to hear of the tasks that are cancelled while it runs them. */
  async #insistOnListening(operation: string): Promise<void> {
    while (!this.#isClosing && !this.#heard.has(operation)) {
      await this.#listen(operation).catch(
        () => new Promise<void>(again => startTimer(RETRY_MS, again, { unref: true })),
      );
    }
  }

  #onEnd(taskRef: string): void {
    this.#submitted.delete(taskRef);
    this.#worker?.drop(taskRef);
    this.#waits.ring(taskRef);
  }

  #openSource(operation: string): JobSource {
    void this.#insistOnListening(operation);
    const worker = this.#connection.worker(operation);
    worker.on('error', () => {});
    this.#workers.push(worker);
    const { longestIdleMs } = this.#connection;
    return { queue: this.#jobs.queue(operation), waiting: worker.getBackend(), longestIdleMs };
  }

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
      if (record !== undefined && !isEnded(record)) return true;
      this.#submitted.delete(taskRef);
    }
    return false;
  }

  /** Nobody may be here who hears of the ends of what this engine has submitted. */
  async #forgetEnded(): Promise<void> {
    for (const taskRef of [...this.#submitted].slice(0, MOST_LOOKED_AFTER)) {
      if (this.#isClosing) return;
      const record = await this.#jobs.find(taskRef);
      this.#submitted.delete(taskRef);
      if (record !== undefined && !isEnded(record)) this.#submitted.add(taskRef);
    }
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
