import { untilAborted } from '../../time/signals.js';
import { startTimer } from '../../time/sleep.js';
import type { WaitForEndOptions } from '../engine.js';
import type { TaskRecord } from '../task-record.js';
import { TaskWaits } from '../task-waits.js';
import type { QueueConnection, StoreEnds } from './queue-connection.js';
import type { TaskJobs } from './task-jobs.js';

/** Should an event get lost, its wait notices after so long. */
const RECHECK_MS = 2000;
const RETRY_MS = 1000;

export interface TaskChangesContext {
  readonly connection: QueueConnection;
  readonly jobs: TaskJobs;
  /** Told of each task that has ended, perhaps more than once; `ring` is called for it, too. */
  readonly onEnd: (taskRef: string) => void;
}

type IsOver = (record: TaskRecord) => boolean;

interface Wait extends WaitForEndOptions {
  readonly waits: TaskWaits;
}

/** Hears of what happens to tasks, whichever process does it, and wakes those in this process who wait for it. */
export class TaskChanges {
  readonly #context: TaskChangesContext;
  readonly #listening = new Map<string, Promise<void>>();
  /** The operations whose events are heard by now. */
  readonly #heard = new Set<string>();
  readonly #ends: StoreEnds[] = [];
  readonly #endWaits = new TaskWaits();
  readonly #changeWaits = new TaskWaits();
  /** Of the runs of this engine's worker. */
  readonly answerWaits = new TaskWaits();
  /** Under way, and begun after the last change that was heard of. */
  readonly #looks = new Map<string, Promise<TaskRecord | undefined>>();
  /** Every wait of a caller, until it has had its last look. */
  readonly #openWaits = new Set<Promise<unknown>>();
  #isClosing = false;

  constructor(context: TaskChangesContext) {
    this.#context = context;
  }

  async untilEnd(taskRef: string, isOver: IsOver, options: WaitForEndOptions) {
    return this.#until(taskRef, isOver, { ...options, waits: this.#endWaits });
  }

  async untilChange(taskRef: string, isOver: IsOver, options: WaitForEndOptions) {
    return this.#until(taskRef, isOver, { ...options, waits: this.#changeWaits });
  }

  /** Wakes whoever waits for a change of the task, or an answer to it. */
  ringChange(taskRef: string): void {
    this.#looks.delete(taskRef);
    this.#changeWaits.ring(taskRef);
    this.answerWaits.ring(taskRef);
  }

  ring(taskRef: string): void {
    this.ringChange(taskRef);
    this.#endWaits.ring(taskRef);
  }

  /** A worker has to hear of the tasks that are cancelled or answered while it runs them. */
  async insistOnListening(operation: string): Promise<void> {
    while (!this.#isClosing && !this.#heard.has(operation)) {
      await this.#listen(operation).catch(
        () => new Promise<void>(again => startTimer(RETRY_MS, again, { unref: true })),
      );
    }
  }

  /** Resolves when every wait has had its last look. */
  async endWaits(): Promise<void> {
    this.#isClosing = true;
    this.#endWaits.ringAll();
    this.#changeWaits.ringAll();
    await Promise.allSettled(this.#openWaits);
  }

  async close(): Promise<void> {
    await Promise.all(this.#ends.map(ends => ends.close()));
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
    const deadline = performance.now() + timeoutMs;
    const wait = waits.add(taskRef);
    try {
      for (;;) {
        const record = await untilAborted(this.#look(taskRef), signal);
        const remainingMs = deadline - performance.now();
        if (record === undefined || isOver(record) || remainingMs <= 0 || this.#isClosing) return record;
        if (this.#heard.has(record.operation)) {
          await wait.alarm.sleep(Math.min(remainingMs, RECHECK_MS), signal);
        } else {
          // Once the events are heard, another look finds what has happened before.
          await untilAborted(this.#listen(record.operation), signal);
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
    const look = this.#context.jobs.find(taskRef);
    this.#looks.set(taskRef, look);
    const forget = () => {
      if (this.#looks.get(taskRef) === look) this.#looks.delete(taskRef);
    };
    look.then(forget, forget);
    return look;
  }

  /** Hears of the events of an operation's tasks from then on. */
  #listen(operation: string): Promise<void> {
    const listening = this.#listening.get(operation) ?? this.#startListening(operation);
    this.#listening.set(operation, listening);
    // Asked again by the next who wants to hear.
    listening.catch(() => this.#listening.delete(operation));
    return listening;
  }

  async #startListening(operation: string): Promise<void> {
    const { connection, jobs, onEnd } = this.#context;
    const since = await jobs.queue(operation).lastEventId();
    if (this.#isClosing) return;
    const ends = connection.ends(operation, {
      since,
      onEnd: taskRef => {
        onEnd(taskRef);
        this.ring(taskRef);
      },
      onChange: taskRef => this.ringChange(taskRef),
      hearsChanges: () => this.#changeWaits.count + this.answerWaits.count > 0,
    });
    this.#ends.push(ends);
    this.#heard.add(operation);
  }
}
