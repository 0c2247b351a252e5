import { startTimer } from '../../time/sleep.js';
import type { WaitForEndOptions } from '../engine.js';
import { RecordLooks } from '../record-looks.js';
import type { TaskRecord } from '../task-record.js';
import type { TaskWaits } from '../task-waits.js';
import type { QueueConnection, StoreEnds } from './queue-connection.js';
import type { TaskJobs } from './task-jobs.js';

/** Should an event get lost, its wait notices after so long. */
const RECHECK_MS = 2000;
const RETRY_MS = 1000;

export interface TaskChangesContext {
  readonly connection: QueueConnection;
  readonly jobs: TaskJobs;
  /** Of the runs of this engine's worker. */
  readonly answerWaits: TaskWaits;
  /** Told of each task that has ended, perhaps more than once; `ring` is called for it, too. */
  readonly onEnd: (taskRef: string) => void;
}

/** Hears of what happens to tasks, whichever process does it, and wakes those in this process who wait for it. */
export class TaskChanges {
  readonly #context: TaskChangesContext;
  readonly #listening = new Map<string, Promise<void>>();
  /** The operations whose events are heard by now. */
  readonly #heard = new Set<string>();
  readonly #ends: StoreEnds[] = [];
  readonly #looks: RecordLooks;
  #isClosing = false;

  constructor(context: TaskChangesContext) {
    this.#context = context;
    this.#looks = new RecordLooks({
      find: taskRef => context.jobs.find(taskRef),
      untilHeard: ({ operation }) => (this.#heard.has(operation) ? undefined : this.#listen(operation)),
      recheckMs: RECHECK_MS,
    });
  }

  untilEnd(taskRef: string, isOver: (record: TaskRecord) => boolean, options: WaitForEndOptions) {
    return this.#looks.untilEnd(taskRef, isOver, options);
  }

  untilChange(taskRef: string, isOver: (record: TaskRecord) => boolean, options: WaitForEndOptions) {
    return this.#looks.untilChange(taskRef, isOver, options);
  }

  /** Wakes whoever waits for a change of the task, or an answer to it. */
  ringChange(taskRef: string): void {
    this.#looks.ringChange(taskRef);
    this.#context.answerWaits.ring(taskRef);
  }

  ring(taskRef: string): void {
    this.#looks.ring(taskRef);
    this.#context.answerWaits.ring(taskRef);
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
    await this.#looks.close();
  }

  async close(): Promise<void> {
    await Promise.all(this.#ends.map(ends => ends.close()));
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
      hearsChanges: () => this.#looks.changeCount + this.#context.answerWaits.count > 0,
    });
    this.#ends.push(ends);
    this.#heard.add(operation);
  }
}
