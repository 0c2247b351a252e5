import type { IQueueBackend } from 'bullmq';
import { sleep } from '../../time/sleep.js';

/** After so long without a word from the store, the queue is asked. */
const LONGEST_WAIT_MS = 5000;
const RETRY_MS = 1000;

/**
 * Waits until a job may be in the queue, or the signal aborts. `dueAt` is when the next delayed job is due, in
 * milliseconds since the epoch.
 */
export async function untilWork(
  queue: IQueueBackend,
  dueAt: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + LONGEST_WAIT_MS;
  for (let wakeAt = Math.min(dueAt ?? deadline, deadline); !signal.aborted; ) {
    const waitMs = wakeAt - Date.now();
    if (waitMs <= 0) return;
    const word = await queue
      .waitForJob(Math.max(waitMs / 1000, queue.minimumBlockTimeout))
      .catch(() => undefined);
    if (word === undefined) return sleep(RETRY_MS, signal).catch(() => {});
    // A delayed job comes with the time at which it is due.
    if (word === null || word.score <= Date.now()) return;
    wakeAt = Math.min(word.score, deadline);
  }
}
