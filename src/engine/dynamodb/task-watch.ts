import { startTimer } from '../../time/sleep.js';
import type { TaskItem } from './task-item.js';

export interface TaskWatchOptions {
  /** The tasks that somebody in this process wants to hear of; looked at as long as there are some. */
  readonly watched: () => Iterable<string>;
  readonly look: (taskRefs: readonly string[]) => Promise<ReadonlyMap<string, TaskItem>>;
  /** Told of each look at a task; `hasChanged` since the last one. */
  readonly onSeen: (taskRef: string, item: TaskItem | undefined, hasChanged: boolean) => void;
  readonly onLooked: () => void;
}

/** Between two rounds: what changes in another process is heard of half of it later, in the mean. */
const INTERVAL_MS = 400;
/** Each look is paid for each task. A task that has run for long is looked at less often: cancels are heard within this. */
const MAX_INTERVAL_MS = 800;
const SHARE_OF_AGE = 0.04;

interface Seen {
  /** Undefined where there was no task. */
  readonly version: number | undefined;
  /** On this process's own clock: not looked at before. */
  readonly nextAt: number;
}

/** Looks at many tasks with one request for each hundred, in rounds. */
export class TaskWatch {
  readonly #options: TaskWatchOptions;
  /** How each task was when it was looked at. */
  readonly #seen = new Map<string, Seen>();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;
  #present: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: TaskWatchOptions) {
    this.#options = options;
  }

  /** Somebody wants to hear of a task. */
  wake(): void {
    if (this.#isStopped) return;
    const inMs = Math.max(0, this.#lookedAt + INTERVAL_MS - performance.now());
    this.#cancel ??= startTimer(inMs, () => void this.#round(), { unref: true });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#present;
  }

  async #round(): Promise<void> {
    this.#lookedAt = performance.now();
    // A store that is away is looked at again in the next round.
    this.#present = this.#look().catch(() => {});
    await this.#present;
    this.#cancel = undefined;
    for (const _ of this.#options.watched()) {
      this.wake();
      return;
    }
  }

  async #look(): Promise<void> {
    const { watched, look, onSeen, onLooked } = this.#options;
    const now = performance.now();
    const taskRefs = new Set(watched());
    for (const taskRef of this.#seen.keys()) if (!taskRefs.has(taskRef)) this.#seen.delete(taskRef);
    const due = [...taskRefs].filter(taskRef => (this.#seen.get(taskRef)?.nextAt ?? now) <= now);
    const items = await look(due);
    for (const taskRef of due) {
      const item = items.get(taskRef);
      const version = item?.version;
      const before = this.#seen.get(taskRef);
      this.#seen.set(taskRef, { version, nextAt: now + intervalMs(item) - INTERVAL_MS / 2 });
      onSeen(taskRef, item, before === undefined || before.version !== version);
    }
    onLooked();
  }
}

/** A task that waits is looked at in each round: how many are claimed in one says how many messages to send. */
function intervalMs(item: TaskItem | undefined): number {
  const ageMs = item?.startedAt === undefined ? 0 : Date.now() - item.startedAt;
  return Math.min(MAX_INTERVAL_MS, Math.max(INTERVAL_MS, ageMs * SHARE_OF_AGE));
}
