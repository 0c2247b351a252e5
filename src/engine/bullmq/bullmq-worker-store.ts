import { randomUUID } from 'node:crypto';
import type { IQueueBackend } from 'bullmq';
import { sleep } from '../../time/sleep.js';
import type { Progress } from '../../types.js';
import type { StoredRun } from '../conditional-tasks.js';
import type { QuestionStore } from '../run-questions.js';
import { readStoredTask } from '../stored-task.js';
import { WORKER_STOPPED } from '../task-errors.js';
import { isEnded, type TaskRecord } from '../task-record.js';
import type { Claimed, RunEnding, TaskSource, Wanted, WorkerStore } from '../worker-store.js';
import type { OperationQueue, Taken } from './operation-queue.js';
import type { QueueConnection } from './queue-connection.js';
import type { TaskRecords } from './task-records.js';

/** A run whose message this worker has. */
export interface QueuedRun extends StoredRun {
  readonly source: MessageSource;
  /** Settles when the latest progress is stored. */
  lastWrite: Promise<void>;
}

const RETRY_MS = 1000;
/** While all at the head of a queue belong to owners that have their share. */
const HELD_BACK_MS = 250;

export interface BullmqWorkerStoreContext {
  readonly tasks: TaskRecords;
  readonly connection: QueueConnection;
  queue(operation: string): OperationQueue;
  /** Whether a task of these operations that this engine has submitted is unfinished. */
  isOwing(operations: readonly string[]): Promise<boolean>;
}

/** The messages of the queues of some operations, and the tasks they name, as the worker of one engine sees them. */
export class BullmqWorkerStore implements WorkerStore<QueuedRun> {
  readonly answerRecheckMs = 2000;
  readonly extendIntervalMs: number;
  readonly #context: BullmqWorkerStoreContext;
  #sources: readonly MessageSource[] = [];

  constructor(context: BullmqWorkerStoreContext) {
    this.#context = context;
    this.extendIntervalMs = context.connection.locks.renewIntervalMs;
  }

  open(operations: readonly string[]): readonly MessageSource[] {
    this.#sources = operations.map(operation => new MessageSource(operation, this.#context));
    return this.#sources;
  }

  /** What is handed back then wakes another worker, not this one. */
  async leave(): Promise<void> {
    await Promise.all(this.#sources.map(source => source.silence()));
  }

  async owes(): Promise<boolean> {
    return this.#context.isOwing(this.#sources.map(({ queue }) => queue.operation));
  }

  /** The record decides: a run whose message is no longer locked counts until somebody has released its task. */
  async extend(runs: readonly QueuedRun[]): Promise<readonly QueuedRun[]> {
    const { tasks } = this.#context;
    const lost: QueuedRun[] = [];
    for (const source of this.#sources) {
      const ofQueue = runs.filter(run => run.source === source);
      if (ofQueue.length === 0) continue;
      const refs = await source.queue.extendLocks(ofQueue).catch((): readonly string[] => []);
      for (const run of ofQueue.filter(({ taskRef }) => refs.includes(taskRef)))
        if (await tasks.isOver(run).catch(() => false)) lost.push(run);
    }
    return lost;
  }

  progress(run: QueuedRun, progress: Progress): Promise<void> {
    const write = () => this.#context.tasks.progress(run, progress);
    run.lastWrite = run.lastWrite.then(write).catch(() => {});
    return run.lastWrite;
  }

  questions(run: QueuedRun): QuestionStore {
    return this.#context.tasks.questions(run);
  }

  async end(
    run: QueuedRun,
    { end, progress, mayTakeNext }: RunEnding,
  ): Promise<Claimed<QueuedRun> | undefined> {
    const { source, taskRef, worker: token } = run;
    await run.lastWrite;
    // Sent together. A task whose end cannot be stored runs without its message, and is lost where it stays so.
    const [stored, finished] = await Promise.allSettled([
      this.#context.tasks.end(run, end, progress),
      source.queue.finish(taskRef, { token, takeNext: mayTakeNext() }),
    ]);
    // A message that stays comes again, and finds a task that has ended.
    const next = finished.status === 'fulfilled' ? finished.value : undefined;
    if (stored.status === 'fulfilled') return next && source.firstToRun(next, { token, mayTakeNext });
    if (next?.taskRef !== undefined) await source.queue.handBack(next.taskRef, token).catch(() => {});
    throw stored.reason;
  }

  async handBack(run: QueuedRun): Promise<TaskRecord | undefined> {
    const { source, taskRef, worker: token } = run;
    await run.lastWrite;
    const released = await this.#context.tasks.release(run, WORKER_STOPPED);
    if (released?.status === 'pending') await source.queue.handBack(taskRef, token);
    else await source.queue.finish(taskRef, { token, takeNext: false });
    return released && isEnded(released) ? readStoredTask(released) : undefined;
  }
}

/** The messages of one operation, each taken with a token of its own. */
export class MessageSource implements TaskSource<QueuedRun> {
  readonly batchSize = 1;
  readonly queue: OperationQueue;
  readonly #tasks: TaskRecords;
  /** A connection that can wait for messages. */
  readonly #waiting: IQueueBackend;
  readonly #maxIdleMs: number;
  /** What the last claim has taken; undefined where all at the head of the queue belong to full owners. */
  #last: Taken | undefined;

  constructor(operation: string, { tasks, connection, queue }: BullmqWorkerStoreContext) {
    this.queue = queue(operation);
    this.#tasks = tasks;
    this.#waiting = connection.waiting(operation);
    this.#maxIdleMs = connection.maxIdleMs;
  }

  async claim({ fullOwners, mayTakeNext }: Wanted): Promise<readonly Claimed<QueuedRun>[]> {
    const token = randomUUID();
    this.#last = await this.queue.take(token, fullOwners([]));
    const claimed = this.#last && (await this.firstToRun(this.#last, { token, mayTakeNext }));
    return claimed === undefined ? [] : [claimed];
  }

  async untilWork(signal: AbortSignal): Promise<void> {
    if (this.#last === undefined) await sleep(HELD_BACK_MS, signal).catch(() => {});
    else if (this.#last.taskRef === undefined) await this.#untilMessage(this.#last, signal);
  }

  /** Wakes whoever waits for work. */
  async silence(): Promise<void> {
    await this.#waiting.disconnectBlocking().catch(() => {});
  }

  /** The task of a taken message, or the first of those after it that is to be run. Never rejects. */
  async firstToRun(
    { taskRef: first }: Taken,
    { token, mayTakeNext }: { readonly token: string; readonly mayTakeNext: () => boolean },
  ): Promise<Claimed<QueuedRun> | undefined> {
    try {
      for (let taskRef = first; taskRef !== undefined; ) {
        const claimed = await this.#claim(taskRef, token);
        if (claimed !== undefined) return claimed;
        taskRef = (await this.queue.finish(taskRef, { token, takeNext: mayTakeNext() })).taskRef;
      }
    } catch {
      // The lock of the message lapses.
    }
    return undefined;
  }

  /** Undefined where there is nothing to run: the task has ended, or the message is one too many. */
  async #claim(taskRef: string, token: string): Promise<Claimed<QueuedRun> | undefined> {
    for (;;) {
      const claimed = await this.#tasks.claim(taskRef, token);
      if (claimed !== undefined)
        return { ...claimed, run: { ...claimed.run, source: this, lastWrite: Promise.resolve() } };
      const stored = await this.#tasks.read(taskRef);
      if (stored === undefined || isEnded(stored)) return undefined;
      if (stored.status === 'pending') continue;
      const worker = String(stored.worker);
      if (worker === token) throw new Error('The answer to the claim was lost.');
      // The message of a task that runs comes only where its worker has lost it, or comes late itself.
      const taken = await this.queue.extendLocks([{ taskRef, worker: token }]);
      if (taken.length > 0) throw new Error('The message has been given to another.');
      await this.#tasks.releaseLost({ taskRef, worker });
    }
  }

  async #untilMessage({ dueAt = Number.POSITIVE_INFINITY }: Taken, signal: AbortSignal): Promise<void> {
    const waiting = this.#waiting;
    const deadline = Date.now() + this.#maxIdleMs;
    for (let wakeAt = Math.min(dueAt, deadline); !signal.aborted; ) {
      // The clock may have been set back meanwhile.
      const waitMs = Math.min(wakeAt - Date.now(), this.#maxIdleMs);
      if (waitMs <= 0) return;
      const word = await waiting
        .waitForJob(Math.max(waitMs / 1000, waiting.minimumBlockTimeout))
        .catch(() => undefined);
      if (word === undefined) return sleep(RETRY_MS, signal).catch(() => {});
      // A delayed message comes with the time at which it is due.
      if (word === null || word.score <= Date.now()) return;
      wakeAt = Math.min(word.score, deadline);
    }
  }
}
