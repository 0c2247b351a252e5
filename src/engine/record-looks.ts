import { untilAborted } from '../time/signals.js';
import { type Clock, systemClock } from './clock.js';
import type { WaitForEndOptions } from './engine.js';
import type { TaskRecord } from './task-record.js';
import { TaskWaits } from './task-waits.js';

type Found = TaskRecord | undefined;

export interface RecordLooksContext {
  readonly find: (taskRef: string) => Found | Promise<Found>;
  /**
   * Called before a wait sleeps: undefined where changes of the task are heard; otherwise, once they are, the wait looks
   * again. @default they are heard
   */
  readonly untilHeard?: (record: TaskRecord) => Promise<void> | undefined;
  /** Should a ring get lost, its wait notices after so many milliseconds. @default none gets lost */
  readonly recheckMs?: number;
  /** @default the computer's clocks */
  readonly clock?: Clock;
  /** Told when a wait has begun, and when one has ended. */
  readonly onCount?: () => void;
}

type IsOver = (record: TaskRecord) => boolean;

interface Wait extends WaitForEndOptions {
  readonly waits: TaskWaits;
}

/** The callers in this process that wait until a record is as they want it. */
export class RecordLooks {
  readonly #context: RecordLooksContext;
  readonly #endWaits = new TaskWaits();
  readonly #changeWaits = new TaskWaits();
  /** Under way, and begun after the last change that was heard of. */
  readonly #looks = new Map<string, Promise<Found>>();
  /** Every wait of a caller, until it has had its last look. */
  readonly #openWaits = new Set<Promise<unknown>>();
  #isClosing = false;

  constructor(context: RecordLooksContext) {
    this.#context = context;
  }

  get count(): number {
    return this.#endWaits.count + this.#changeWaits.count;
  }

  /** The tasks that somebody waits for. */
  *taskRefs(): Iterable<string> {
    yield* this.#endWaits.taskRefs();
    yield* this.#changeWaits.taskRefs();
  }

  untilEnd(taskRef: string, isOver: IsOver, options: WaitForEndOptions) {
    return this.#until(taskRef, isOver, { ...options, waits: this.#endWaits });
  }

  untilChange(taskRef: string, isOver: IsOver, options: WaitForEndOptions) {
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

  ringAll(): void {
    this.#looks.clear();
    this.#endWaits.ringAll();
    this.#changeWaits.ringAll();
  }

  /** Resolves when every wait has had its last look. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.ringAll();
    await Promise.allSettled(this.#openWaits);
  }

  async #until(taskRef: string, isOver: IsOver, options: Wait): Promise<Found> {
    options.signal?.throwIfAborted();
    const wait = this.#lookUntil(taskRef, isOver, options);
    this.#openWaits.add(wait);
    return wait.finally(() => this.#openWaits.delete(wait));
  }

  async #lookUntil(
    taskRef: string,
    isOver: IsOver,
    { timeoutMs, signal = new AbortController().signal, waits }: Wait,
  ): Promise<Found> {
    const { untilHeard, recheckMs = Number.POSITIVE_INFINITY, clock = systemClock, onCount } = this.#context;
    const deadline = clock.monotonic() + timeoutMs;
    const wait = waits.add(taskRef);
    try {
      onCount?.();
      for (;;) {
        const record = await untilAborted(this.#look(taskRef), signal);
        const remainingMs = deadline - clock.monotonic();
        if (record === undefined || isOver(record) || remainingMs <= 0 || this.#isClosing) return record;
        const heard = untilHeard?.(record);
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
      onCount?.();
    }
  }

  /** Those who are woken together share one look. */
  #look(taskRef: string): Promise<Found> {
    const known = this.#looks.get(taskRef);
    if (known !== undefined) return known;
    const look = (async () => this.#context.find(taskRef))();
    this.#looks.set(taskRef, look);
    const forget = () => {
      if (this.#looks.get(taskRef) === look) this.#looks.delete(taskRef);
    };
    look.then(forget, forget);
    return look;
  }
}
