import type { Progress } from '../../types.js';
import type { QuestionStore } from '../run-questions.js';
import { readStoredTask } from '../stored-task.js';
import { WORKER_STOPPED } from '../task-errors.js';
import { isEnded, type TaskRecord } from '../task-record.js';
import type { Claimed, RunEnding, WorkerStore } from '../worker-store.js';
import { MessageSource, type QueuedRun } from './message-source.js';
import type { OperationQueue } from './operation-queue.js';
import type { QueueConnection } from './queue-connection.js';
import type { TaskRecords } from './task-records.js';

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
  readonly #sources = new Map<OperationQueue, MessageSource>();

  constructor(context: BullmqWorkerStoreContext) {
    this.#context = context;
    this.extendIntervalMs = context.connection.locks.renewIntervalMs;
  }

  open(operations: readonly string[]): readonly MessageSource[] {
    const { tasks, connection, queue } = this.#context;
    for (const operation of operations) {
      const waiting = connection.waiting(operation);
      const source = new MessageSource(queue(operation), { tasks, waiting, maxIdleMs: connection.maxIdleMs });
      this.#sources.set(source.queue, source);
    }
    return [...this.#sources.values()];
  }

  /** What is handed back then wakes another worker, not this one. */
  async leave(): Promise<void> {
    await Promise.all([...this.#sources.values()].map(source => source.silence()));
  }

  async owes(): Promise<boolean> {
    return this.#context.isOwing([...this.#sources.keys()].map(({ operation }) => operation));
  }

  /** The record decides: a run whose message is no longer locked counts until somebody has released its task. */
  async extend(runs: readonly QueuedRun[]): Promise<readonly QueuedRun[]> {
    const { tasks } = this.#context;
    const lost: QueuedRun[] = [];
    for (const queue of this.#sources.keys()) {
      const ofQueue = runs.filter(run => run.queue === queue);
      if (ofQueue.length === 0) continue;
      const refs = await queue.extendLocks(ofQueue).catch((): readonly string[] => []);
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
    const { queue, taskRef, worker: token } = run;
    await run.lastWrite;
    // Sent together. A task whose end cannot be stored runs without its message, and is lost where it stays so.
    const [stored, finished] = await Promise.allSettled([
      this.#context.tasks.end(run, end, progress),
      queue.finish(taskRef, { token, takeNext: mayTakeNext() }),
    ]);
    // A message that stays comes again, and finds a task that has ended.
    const next = finished.status === 'fulfilled' ? finished.value : undefined;
    if (stored.status === 'fulfilled')
      return next && this.#sources.get(queue)?.firstToRun(next, { token, mayTakeNext });
    if (next?.taskRef !== undefined) await queue.handBack(next.taskRef, token).catch(() => {});
    throw stored.reason;
  }

  async handBack(run: QueuedRun): Promise<TaskRecord | undefined> {
    const { queue, taskRef, worker: token } = run;
    await run.lastWrite;
    const released = await this.#context.tasks.release(run, WORKER_STOPPED);
    if (released?.status === 'pending') await queue.handBack(taskRef, token);
    else await queue.finish(taskRef, { token, takeNext: false });
    return released && isEnded(released) ? readStoredTask(released) : undefined;
  }
}
