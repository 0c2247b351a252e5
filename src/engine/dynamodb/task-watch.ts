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

/** Between two looks: what changes in another process is heard of half of it later, in the mean. */
const INTERVAL_MS = 400;

/** Looks at many tasks with one request for each hundred, at a steady pace. */
export class TaskWatch {
  readonly #options: TaskWatchOptions;
  /** How each task was, by version. */
  #versions = new Map<string, number | undefined>();
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
    const taskRefs = [...new Set(watched())];
    const items = await look(taskRefs);
    const versions = new Map<string, number | undefined>();
    for (const taskRef of taskRefs) {
      const item = items.get(taskRef);
      // Progress changes no version.
      const version = item && item.version + item.updatedAt;
      versions.set(taskRef, version);
      const hasChanged = !this.#versions.has(taskRef) || this.#versions.get(taskRef) !== version;
      onSeen(taskRef, item, hasChanged);
    }
    this.#versions = versions;
    onLooked();
  }
}
