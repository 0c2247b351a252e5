import { randomUUID } from 'node:crypto';
import type { IQueueBackend } from 'bullmq';
import { sleep } from '../../time/sleep.js';
import type { StoredRun } from '../conditional-tasks.js';
import { isEnded } from '../task-record.js';
import type { Claimed, TaskSource, Wanted } from '../worker-store.js';
import type { OperationQueue, Taken } from './operation-queue.js';
import type { TaskRecords } from './task-records.js';

/** A run whose message this worker has. */
export interface QueuedRun extends StoredRun {
  readonly queue: OperationQueue;
  /** Settles when the latest progress is stored. */
  lastWrite: Promise<void>;
}

export interface MessageSourceContext {
  readonly tasks: TaskRecords;
  /** A connection that can wait for messages. */
  readonly waiting: IQueueBackend;
  /** After so long without a word from the store, the queue is asked. */
  readonly maxIdleMs: number;
}

const RETRY_MS = 1000;
/** While all at the head of a queue belong to owners that have their share. */
const HELD_BACK_MS = 250;

/** The messages of one operation, each taken with a token of its own. */
export class MessageSource implements TaskSource<QueuedRun> {
  readonly batchSize = 1;
  readonly queue: OperationQueue;
  readonly #context: MessageSourceContext;
  /** What the last claim has taken; undefined where all at the head of the queue belong to full owners. */
  #last: Taken | undefined;

  constructor(queue: OperationQueue, context: MessageSourceContext) {
    this.queue = queue;
    this.#context = context;
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
    await this.#context.waiting.disconnectBlocking().catch(() => {});
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
    const { tasks } = this.#context;
    for (;;) {
      const claimed = await tasks.claim(taskRef, token);
      if (claimed !== undefined)
        return { ...claimed, run: { ...claimed.run, queue: this.queue, lastWrite: Promise.resolve() } };
      const stored = await tasks.read(taskRef);
      if (stored === undefined || isEnded(stored)) return undefined;
      if (stored.status === 'pending') continue;
      const worker = String(stored.worker);
      if (worker === token) throw new Error('The answer to the claim was lost.');
      // The message of a task that runs comes only where its worker has lost it, or comes late itself.
      const taken = await this.queue.extendLocks([{ taskRef, worker: token }]);
      if (taken.length > 0) throw new Error('The message has been given to another.');
      await tasks.releaseLost({ taskRef, worker });
    }
  }

  async #untilMessage({ dueAt = Number.POSITIVE_INFINITY }: Taken, signal: AbortSignal): Promise<void> {
    const { waiting, maxIdleMs } = this.#context;
    const deadline = Date.now() + maxIdleMs;
    for (let wakeAt = Math.min(dueAt, deadline); !signal.aborted; ) {
      // The clock may have been set back meanwhile.
      const waitMs = Math.min(wakeAt - Date.now(), maxIdleMs);
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
