import { untilAborted } from '../time/signals.js';
import type { WaitForEndOptions } from './engine.js';
import type { TaskRecord } from './task-record.js';
import { TaskWaits } from './task-waits.js';

export interface RecordLooksContext {
  readonly find: (taskRef: string) => Promise<TaskRecord | undefined>;
  /**
   * Called before a wait sleeps: undefined where changes of the task are heard; otherwise, once they are, the wait looks
   * again.
   */
  readonly untilHeard: (record: TaskRecord) => Promise<void> | undefined;
  /** Should a ring get lost, its wait notices after so many milliseconds. */
  readonly recheckMs: number;
}

type IsOver = (record: TaskRecord) => boolean;

interface Wait extends WaitForEndOptions {
  readonly waits: TaskWaits;
}

/** The callers in this process that wait until a record, which takes a request to read, is as they want it. */
export class RecordLooks {
  readonly #context: RecordLooksContext;
  readonly #endWaits = new TaskWaits();
  readonly #changeWaits = new TaskWaits();
  /** Under way, and begun after the last change that was heard of. */
  readonly #looks = new Map<string, Promise<TaskRecord | undefined>>();
  /** Every wait of a caller, until it has had its last look. */
  readonly #openWaits = new Set<Promise<unknown>>();
  #isClosing = false;

  constructor(context: RecordLooksContext) {
    this.#context = context;
  }

  /** How many wait for more than the end of a task. */
  get changeCount(): number {
    return this.#changeWaits.count;
  }

  /** The tasks that somebody waits for. */
  *taskRefs(): Iterable<string> {
    yield* this.#endWaits.taskRefs();
    yield* this.#changeWaits.taskRefs();
  }

  async untilEnd(taskRef: string, isOver: IsOver, options: WaitForEndOptions) {
    return this.#until(taskRef, isOver, { ...options, waits: this.#endWaits });
  }

  async untilChange(taskRef: string, isOver: IsOver, options: WaitForEndOptions) {
    return this.#until(taskRef, isOver, { ...options, waits: this.#changeWaits });
  }

  /** Wakes whoever waits for a change of the task. */
  ringChange(taskRef: string): void {
    this.#looks.delete(taskRef);
    this.#changeWaits.ring(taskRef);
  }

  ring(taskRef: string): void {
    this.ringChange(taskRef);
    this.#endWaits.ring(taskRef);
  }

  /** Resolves when every wait has had its last look. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#endWaits.ringAll();
    this.#changeWaits.ringAll();
    await Promise.allSettled(this.#openWaits);
  }

  async #until(taskRef: string, isOver: IsOver, options: Wait): Promise<TaskRecord | undefined> {
    options.signal?.throwIfAborted();
    const wait = this.#lookUntil(taskRef, isOver, options);
    this.#openWaits.add(wait);
    return wait.finally(() => this.#openWaits.delete(wait));
  }

  async #lookUntil(
    taskRef: string,
    isOver: IsOver,
    { timeoutMs, signal = new AbortController().signal, waits }: Wait,
  ): Promise<TaskRecord | undefined> {
    const { untilHeard, recheckMs } = this.#context;
    const deadline = performance.now() + timeoutMs;
    const wait = waits.add(taskRef);
    try {
      for (;;) {
        const record = await untilAborted(this.#look(taskRef), signal);
        const remainingMs = deadline - performance.now();
        if (record === undefined || isOver(record) || remainingMs <= 0 || this.#isClosing) return record;
        const heard = untilHeard(record);
        if (heard === undefined) {
          await wait.alarm.sleep(Math.min(remainingMs, recheckMs), signal);
        } else {
          // Another look finds what has happened before.
          await untilAborted(heard, signal);
          this.#looks.delete(taskRef);
        }
      }
    } finally {
      wait.remove();
    }
  }

  /** Those who are woken together share one look. */
  #look(taskRef: string): Promise<TaskRecord | undefined> {
    const known = this.#looks.get(taskRef);
    if (known !== undefined) return known;
    const look = this.#context.find(taskRef);
    this.#looks.set(taskRef, look);
    const forget = () => {
      if (this.#looks.get(taskRef) === look) this.#looks.delete(taskRef);
    };
    look.then(forget, forget);
    return look;
  }
}
