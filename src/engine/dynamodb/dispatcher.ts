import type { RecordStatus } from '../task-record.js';
import { ownerDigest } from './task-item.js';
import type { TaskQueue } from './task-queue.js';

/** So many messages of an owner are in the queue at least, where it has so many tasks. */
const MIN_WINDOW = 16;
const MAX_WINDOW = 2000;
const RETRY_MS = 1000;
const FORGOTTEN_AFTER_MS = 60_000;

export interface DispatcherOptions {
  readonly queue: TaskQueue;
  /** What is due later than this is not sent. */
  readonly maxDelayMs: number;
  /** Asks for `saw` to be called for `watched` now, and as long as there are some. */
  readonly onWatch: () => void;
  readonly sleep: (delayMs: number) => Promise<void>;
}

export interface DispatchedTask {
  readonly taskRef: string;
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly dueAt: number;
}

interface Owner {
  /** Messages that were sent, of tasks that nobody has claimed as far as this process knows. */
  readonly sent: Set<string>;
  /** Stored, and not sent. */
  readonly waiting: Map<string, DispatchedTask>;
  window: number;
  /** How many of `sent` were claimed since the window was last set. */
  claimedCount: number;
  addedAt: number;
}

/**
 * Sends the messages of the tasks that this engine has taken in. SQS keeps no order between owners, so the queue never
 * holds more of one owner's messages than are claimed in the time of two looks, or sixteen: the rest waits here, in
 * the order of submission, and in the table should this process die.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #owners = new Map<string, Owner>();
  readonly #ownerOf = new Map<string, Owner>();
  readonly #sending = new Set<Promise<void>>();
  #isClosing = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** The tasks whose claims make room for others of their owners. */
  *watched(): Iterable<string> {
    for (const { sent, waiting } of this.#owners.values()) if (waiting.size > 0) yield* sent;
  }

  add(task: DispatchedTask): void {
    const { taskRef, owner: name, dueAt } = task;
    const delayMs = dueAt - Date.now();
    if (delayMs > 0) {
      if (delayMs <= this.#options.maxDelayMs) this.#track(this.#send(task));
      return;
    }
    const owner = this.#owners.get(name) ?? newOwner();
    this.#owners.set(name, owner);
    this.#ownerOf.set(taskRef, owner);
    owner.waiting.set(taskRef, task);
    owner.addedAt = performance.now();
    this.#fill(owner);
    if (owner.waiting.size > 0) this.#options.onWatch();
  }

  /** Tells how a task was seen; undefined where there is none any more. */
  saw(taskRef: string, status: RecordStatus | undefined): void {
    if (status === 'pending') return;
    const owner = this.#ownerOf.get(taskRef);
    if (owner === undefined) return;
    if (owner.sent.delete(taskRef)) owner.claimedCount++;
    owner.waiting.delete(taskRef);
    this.#ownerOf.delete(taskRef);
  }

  /** Called after each look at all that is watched. The windows are alike: SQS hands out what an owner has more of more often. */
  looked(): void {
    const waiting = [...this.#owners.values()].filter(owner => owner.waiting.size > 0);
    const mostClaimed = waiting.reduce((most, { claimedCount }) => Math.max(most, claimedCount), 0);
    for (const owner of waiting) {
      owner.window = Math.min(MAX_WINDOW, Math.max(MIN_WINDOW, 2 * mostClaimed));
      owner.claimedCount = 0;
      this.#fill(owner);
    }
  }

  /** Forgets owners that have submitted nothing for a while. */
  prune(): void {
    for (const [name, { sent, waiting, addedAt }] of this.#owners) {
      if (waiting.size > 0 || performance.now() - addedAt < FORGOTTEN_AFTER_MS) continue;
      for (const taskRef of sent) this.#ownerOf.delete(taskRef);
      this.#owners.delete(name);
    }
  }

  /** Sends all that waits, as far as the queue takes it, and nothing more then. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const owner of this.#owners.values()) {
      owner.window = Number.POSITIVE_INFINITY;
      this.#fill(owner);
    }
    await Promise.all(this.#sending);
  }

  #fill(owner: Owner): void {
    for (const [taskRef, task] of owner.waiting) {
      if (owner.sent.size >= owner.window) return;
      owner.waiting.delete(taskRef);
      owner.sent.add(taskRef);
      this.#track(this.#send(task));
    }
  }

  async #send(task: DispatchedTask): Promise<void> {
    const { taskRef, owner, dueAt } = task;
    for (;;) {
      try {
        const delayMs = Math.max(0, dueAt - Date.now());
        await this.#options.queue.send(taskRef, { group: ownerDigest(owner), delayMs });
        return;
      } catch {
        // The task is stored: whoever sweeps sends it, should this process never come to it.
        if (this.#isClosing) return;
        await this.#options.sleep(RETRY_MS);
      }
    }
  }

  #track(sending: Promise<void>): void {
    this.#sending.add(sending);
    void sending.finally(() => this.#sending.delete(sending));
  }
}

function newOwner(): Owner {
  return { sent: new Set(), waiting: new Map(), window: MIN_WINDOW, claimedCount: 0, addedAt: 0 };
}
