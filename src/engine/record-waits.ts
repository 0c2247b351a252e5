import type { Clock } from './clock.js';
import type { WaitForEndOptions } from './engine.js';
import type { TaskRecord } from './task-record.js';
import { TaskWaits } from './task-waits.js';

export interface RecordWaitsContext {
  readonly clock: Clock;
  readonly look: (taskRef: string) => TaskRecord | undefined;
  /** Told when the first wait begins and when the last one ends, among others. */
  readonly onCount: () => void;
}

/** The callers in this process that wait until a record is as they want it. */
export class RecordWaits {
  readonly #context: RecordWaitsContext;
  readonly #ends = new TaskWaits();
  readonly #changes = new TaskWaits();
  /** Records as they were read in this turn of the event loop: one look serves all who wait for the same task. */
  readonly #seen = new Map<string, TaskRecord | undefined>();
  #isClosed = false;

  constructor(context: RecordWaitsContext) {
    this.#context = context;
  }

  get count(): number {
    return this.#ends.count + this.#changes.count;
  }

  untilEnd(taskRef: string, isOver: (record: TaskRecord) => boolean, options: WaitForEndOptions) {
    return this.#until(this.#ends.add(taskRef), { taskRef, isOver, ...options });
  }

  untilChange(taskRef: string, isOver: (record: TaskRecord) => boolean, options: WaitForEndOptions) {
    return this.#until(this.#changes.add(taskRef), { taskRef, isOver, ...options });
  }

  ring(taskRef: string): void {
    this.ringChange(taskRef);
    this.#ends.ring(taskRef);
  }

  /** Nobody who waits for the end of a task is woken. */
  ringChange(taskRef: string): void {
    this.#seen.delete(taskRef);
    this.#changes.ring(taskRef);
  }

  ringAll(): void {
    this.#seen.clear();
    this.#ends.ringAll();
    this.#changes.ringAll();
  }

  /** Every wait takes its last look. */
  close(): void {
    this.#isClosed = true;
    this.ringAll();
  }

  async #until(
    wait: ReturnType<TaskWaits['add']>,
    { taskRef, isOver, timeoutMs, signal = new AbortController().signal }: Wait,
  ): Promise<TaskRecord | undefined> {
    const { clock, onCount } = this.#context;
    const deadline = clock.monotonic() + timeoutMs;
    try {
      signal.throwIfAborted();
      onCount();
      for (;;) {
        const record = this.#look(taskRef);
        const remainingMs = deadline - clock.monotonic();
        if (record === undefined || isOver(record) || remainingMs <= 0 || this.#isClosed) return record;
        await wait.alarm.sleep(remainingMs, signal);
      }
    } finally {
      wait.remove();
      onCount();
    }
  }

  #look(taskRef: string): TaskRecord | undefined {
    if (this.#isClosed) return this.#context.look(taskRef);
    if (!this.#seen.has(taskRef)) {
      if (this.#seen.size === 0) setImmediate(() => this.#seen.clear());
      this.#seen.set(taskRef, this.#context.look(taskRef));
    }
    return this.#seen.get(taskRef);
  }
}

interface Wait extends WaitForEndOptions {
  readonly taskRef: string;
  readonly isOver: (record: TaskRecord) => boolean;
}
