import type { IQueueBackend } from 'bullmq';
import { sleep } from '../../time/sleep.js';

const RETRY_MS = 1000;

export interface WorkWait {
  /** When the next delayed job is due, in milliseconds since the epoch. */
  readonly dueAt: number | undefined;
  /** After so long without a word from the store, the queue is to be asked. */
  readonly longestMs: number;
  readonly signal: AbortSignal;
}

/** Waits until a job may be in the queue, or the signal aborts. */
export async function untilWork(queue: IQueueBackend, { dueAt, longestMs, signal }: WorkWait): Promise<void> {
  const deadline = Date.now() + longestMs;
  for (let wakeAt = Math.min(dueAt ?? deadline, deadline); !signal.aborted; ) {
    // The clock may have been set back meanwhile.
    const waitMs = Math.min(wakeAt - Date.now(), longestMs);
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
