import { isDeepStrictEqual } from 'node:util';
import type { Engine } from '../engine/engine.js';
import { hasChanged } from '../engine/record-change.js';
import { isEnded, type TaskRecord } from '../engine/task-record.js';
import { sleep } from '../time/sleep.js';

/** Tells of changes of tasks, whichever process changed them. A hint: what is not told can be asked for. */
export interface TaskFeed {
  /**
   * Tells of each change after `known`, until the task has ended or the function that is returned is called.
   * A listener must not throw.
   */
  watch(known: TaskRecord, onChange: (record: TaskRecord) => void): () => void;
  close(): void;
}

export interface TaskFeedOptions {
  /** Most tasks watched at the same time; a change of any other is not told. @default 10000 */
  readonly maxTasks?: number;
}

const MAX_TASKS = 10_000;
const WAIT_MS = 60_000;
const RETRY_MS = 1000;
const BETWEEN_MS = 250;

interface Watched {
  readonly listeners: Set<(record: TaskRecord) => void>;
  readonly stopped: AbortController;
}

/** One wait in the store for each task, however many listen. */
export function createTaskFeed(
  engine: Pick<Engine, 'waitForChange' | 'waitForEnd'>,
  { maxTasks = MAX_TASKS }: TaskFeedOptions = {},
): TaskFeed {
  const watched = new Map<string, Watched>();

  function drop(taskRef: string, task: Watched): void {
    task.stopped.abort();
    if (watched.get(taskRef) === task) watched.delete(taskRef);
  }

  async function follow(record: TaskRecord, task: Watched): Promise<void> {
    const { taskRef } = record;
    const { signal } = task.stopped;
    let known = record;
    while (!signal.aborted && !isEnded(known)) {
      try {
        const next = await engine.waitForChange(taskRef, { known, timeoutMs: WAIT_MS, signal });
        if (next === undefined) break;
        const isChange = hasChanged(known, next);
        const isProgress = !isDeepStrictEqual(known.progress, next.progress);
        known = next;
        if (isChange) for (const tell of [...task.listeners]) tell(known);
        // It may change many times a second; an end is told at once all the same.
        if (isProgress) await engine.waitForEnd(taskRef, { timeoutMs: BETWEEN_MS, signal });
      } catch {
        // A store that is away may come back.
        await sleep(RETRY_MS, signal).catch(() => {});
      }
    }
    drop(taskRef, task);
  }

  return {
    watch(known, onChange) {
      const { taskRef } = known;
      if (isEnded(known)) return () => {};
      let task = watched.get(taskRef);
      if (task === undefined) {
        if (watched.size >= maxTasks) return () => {};
        task = { listeners: new Set(), stopped: new AbortController() };
        watched.set(taskRef, task);
        void follow(known, task);
      }
      const { listeners } = task;
      const followed = task;
      listeners.add(onChange);
      return () => {
        listeners.delete(onChange);
        if (listeners.size === 0) drop(taskRef, followed);
      };
    },
    close() {
      for (const [taskRef, task] of watched) drop(taskRef, task);
    },
  };
}
