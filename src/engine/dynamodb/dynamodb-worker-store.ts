import { setImmediate } from 'node:timers/promises';
import { Alarm, startTimer } from '../../time/sleep.js';
import type { Progress } from '../../types.js';
import type { StoredRun } from '../conditional-tasks.js';
import { InvalidRecordError } from '../record-shape.js';
import { type QuestionStore, RunOverError } from '../run-questions.js';
import { readStoredTask } from '../stored-task.js';
import { WORKER_STOPPED } from '../task-errors.js';
import type { TaskRecord } from '../task-record.js';
import { operationOf } from '../task-ref.js';
import type { Claimed, RunEnding, TaskSource, Wanted, WorkerStore } from '../worker-store.js';
import type { EngineParts } from './engine-options.js';
import {
  failUnreadable,
  giveBackForeign,
  type IntakeContext,
  type ReceivedTask,
  takeIn,
} from './message-intake.js';
import { MAX_MESSAGES, type TaskMessage } from './task-queue.js';

export interface MessageRun extends StoredRun {
  readonly message: TaskMessage;
  lastWrite: Promise<void>;
}

export interface DynamodbWorkerStoreContext extends EngineParts {
  /** Told of a task that has begun to run, or has ended here. */
  readonly onChange: (taskRef: string, status: TaskRecord['status']) => void;
  /** Whether a task of these operations that this engine has submitted is unfinished. */
  readonly isOwing: (operations: readonly string[]) => Promise<boolean>;
}

/** A message whose task waits to be claimed by this worker. */
interface Held extends ReceivedTask {
  readonly since: number;
}

/** So long a message is kept for a place that becomes free, before others may have it. */
const HELD_MS = 1000;
const MAX_HELD = 30;
const RETURN_PAUSE_MS = 100;

/** The messages of the queue, and the tasks they name, as the worker of one engine sees them. */
export class DynamodbWorkerStore implements WorkerStore<MessageRun>, TaskSource<MessageRun> {
  readonly batchSize = MAX_MESSAGES;
  readonly answerRecheckMs = 2000;
  readonly extendIntervalMs: number;
  readonly #context: DynamodbWorkerStoreContext;
  readonly #intake: IntakeContext;
  readonly #work = new Alarm();
  readonly #running = new Map<string, MessageRun>();
  readonly #claiming = new Set<string>();
  readonly #removals = new Set<Promise<void>>();
  #operations: readonly string[] = [];
  #held: Held[] = [];
  #limit = 1;
  #receiving: Promise<void> | undefined;
  #failure: unknown;
  #cancelReturn: (() => void) | undefined;
  #hasLeft = false;

  constructor(context: DynamodbWorkerStoreContext) {
    this.#context = context;
    this.#intake = {
      ...context,
      isHere: taskRef => this.#running.has(taskRef) || this.#claiming.has(taskRef),
      isHeld: taskRef => this.#held.some(held => held.taskRef === taskRef),
      remove: message => this.#remove(message),
      heldMs: HELD_MS,
    };
    this.extendIntervalMs = context.times.beatMs;
  }

  /** The runs of this worker, by task. */
  get running(): ReadonlyMap<string, MessageRun> {
    return this.#running;
  }

  /** For a place that may be free. */
  ring(): void {
    this.#work.ring();
  }

  open(operations: readonly string[]): readonly TaskSource<MessageRun>[] {
    this.#operations = operations;
    return [this];
  }

  async leave(): Promise<void> {
    this.#hasLeft = true;
    this.#work.ring();
    await this.#returnHeld(this.#held);
    this.#context.queue.endWait();
    await this.#receiving;
  }

  owes(): Promise<boolean> {
    return this.#context.isOwing(this.#operations);
  }

  async claim({ limit, fullOwners }: Wanted): Promise<readonly Claimed<MessageRun>[]> {
    await setImmediate();
    this.#limit = limit;
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      throw failure;
    }
    const now = Date.now();
    const picked: Held[] = [];
    for (const held of this.#held) {
      if (picked.length === limit) break;
      const { owner, dueAt } = held.item;
      const isFull = fullOwners(picked.map(({ item }) => item)).includes(owner);
      if (dueAt <= now && !isFull) picked.push(held);
    }
    this.#held = this.#held.filter(held => !picked.includes(held));
    const claimed = await Promise.all(picked.map(held => this.#claim(held)));
    return claimed.filter(each => each !== undefined);
  }

  async untilWork(signal: AbortSignal): Promise<void> {
    this.#receive();
    const dueInMs = this.#held.map(({ item }) => item.dueAt - Date.now()).filter(ms => ms > 0);
    await this.#work
      .sleep(Math.min(Number.POSITIVE_INFINITY, ...dueInMs), signal, { unref: true })
      .catch(() => {});
  }

  /** What counts is read with each look at the running tasks; here, the messages are hidden for another lease. */
  async extend(runs: readonly MessageRun[]): Promise<readonly MessageRun[]> {
    const { queue, times } = this.#context;
    await queue.hide(
      runs.map(({ message }) => message),
      times.hiddenMs,
    );
    return [];
  }

  progress(run: MessageRun, progress: Progress): Promise<void> {
    const write = () => this.#context.tasks.progress(run, progress);
    run.lastWrite = run.lastWrite.then(write).then(
      () => this.#context.onChange(run.taskRef, 'processing'),
      () => {},
    );
    return run.lastWrite;
  }

  questions(run: MessageRun): QuestionStore {
    return this.#context.tasks.questions(run);
  }

  async end(run: MessageRun, { end, progress }: RunEnding): Promise<undefined> {
    await run.lastWrite;
    await this.#context.tasks.end(run, end, progress).catch(error => {
      if (error instanceof RunOverError) this.letGo(run);
      throw error;
    });
    this.letGo(run);
    this.#remove(run.message);
    this.#context.onChange(run.taskRef, end.status);
  }

  async handBack(run: MessageRun): Promise<TaskRecord | undefined> {
    const { tasks, queue } = this.#context;
    await run.lastWrite;
    const released = await tasks.release(run, WORKER_STOPPED);
    this.letGo(run);
    if (released?.status === 'pending') await queue.hide([run.message], 0);
    if (released?.status !== 'failed') return undefined;
    this.#remove(run.message);
    this.#context.onChange(run.taskRef, 'failed');
    return readStoredTask(released);
  }

  /** Resolves when the messages of all that has ended are removed. */
  async close(): Promise<void> {
    this.#cancelReturn?.();
    await Promise.all(this.#removals);
  }

  /** Forgets a run that no longer counts. */
  letGo(run: MessageRun): void {
    if (this.#running.get(run.taskRef) === run) this.#running.delete(run.taskRef);
  }

  async #claim({ taskRef, item, message }: Held): Promise<Claimed<MessageRun> | undefined> {
    this.#claiming.add(taskRef);
    try {
      const claimed = await this.#context.tasks.claim(item);
      if (claimed === undefined) {
        await this.#admit([message]);
        return undefined;
      }
      const run: MessageRun = { ...claimed.run, message, lastWrite: Promise.resolve() };
      this.#running.set(taskRef, run);
      this.#context.onChange(taskRef, 'processing');
      return { ...claimed, run };
    } catch (error) {
      // In any other case, the message comes again when its time is over.
      if (error instanceof InvalidRecordError)
        await failUnreadable(this.#intake, { message, taskRef, item }).catch(() => {});
      return undefined;
    } finally {
      this.#claiming.delete(taskRef);
    }
  }

  #receive(): void {
    if (this.#hasLeft || this.#held.length >= MAX_HELD) return;
    this.#receiving ??= this.#receiveOnce()
      .catch(error => {
        this.#failure = error;
      })
      .finally(() => {
        this.#receiving = undefined;
        this.#work.ring();
      });
  }

  async #receiveOnce(): Promise<void> {
    const { queue, times } = this.#context;
    const messages = await queue.receive(this.#limit, times.hiddenMs);
    if (this.#hasLeft) return queue.hide(messages, 0);
    const isForeign = ({ taskRef = '' }: TaskMessage) =>
      !this.#operations.includes(operationOf(taskRef) ?? '');
    const foreign = messages.filter(isForeign);
    try {
      await this.#admit(messages.filter(message => !isForeign(message)));
    } catch (error) {
      await queue.hide(messages, HELD_MS).catch(() => {});
      throw error;
    }
    if (foreign.length > 0) {
      await Promise.all(foreign.map(message => giveBackForeign(queue, message)));
      await new Promise<void>(resolve => startTimer(RETURN_PAUSE_MS, resolve, { unref: true }));
    }
  }

  /** Sorts messages by how their tasks stand. */
  async #admit(messages: readonly TaskMessage[]): Promise<void> {
    const refs = messages.flatMap(({ taskRef }) => taskRef ?? []);
    if (refs.length === 0) return;
    const items = await this.#context.tasks.items(refs, true);
    for (const message of messages) {
      const { taskRef = '' } = message;
      const item = await takeIn(this.#intake, { message, taskRef, item: items.get(taskRef) });
      if (item !== undefined) this.#hold({ message, taskRef, item, since: performance.now() });
    }
  }

  #hold(held: Held): void {
    if (this.#hasLeft) {
      void this.#context.queue.hide([held.message], 0).catch(() => {});
      return;
    }
    this.#held.push(held);
    this.#planReturn();
  }

  /** A worker without a free place keeps no message from others. */
  #planReturn(): void {
    this.#cancelReturn ??= startTimer(
      HELD_MS,
      () => {
        this.#cancelReturn = undefined;
        const now = performance.now();
        const isStale = ({ since, item }: Held) => now - since >= HELD_MS && item.dueAt <= Date.now();
        void this.#returnHeld(this.#held.filter(isStale));
        if (this.#held.length > 0) this.#planReturn();
      },
      { unref: true },
    );
  }

  async #returnHeld(stale: readonly Held[]): Promise<void> {
    this.#held = this.#held.filter(held => !stale.includes(held));
    const { queue } = this.#context;
    const messages = stale.map(({ message }) => message);
    await Promise.all(messages.map(message => queue.giveBack(message, this.#hasLeft ? 0 : HELD_MS))).catch(
      () => {},
    );
  }

  /** A message that is not removed comes again, and is removed then. */
  #remove(message: TaskMessage): void {
    const removal = this.#context.queue.remove(message).catch(() => {});
    this.#removals.add(removal);
    void removal.finally(() => this.#removals.delete(removal));
  }
}
