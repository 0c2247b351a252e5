import { startTimer } from '../../time/sleep.js';

export interface Silence {
  /** Longest silence, in milliseconds. */
  readonly timeoutMs: number;
  /** When a sign of life came last, on the clock of `performance.now()`; undefined where there was none. */
  readonly heardAt: () => number | undefined;
}

/** Limits the wait for a server that gives signs of life all the time and never answers. */
const MAX_WAIT_MS = 10 * 60_000;

/** The longest wait, however often the server gives a sign of life. */
export function longestWaitMs(timeoutMs: number): number {
  return Math.max(timeoutMs, MAX_WAIT_MS);
}

/** Calls `giveUp` once nothing has been heard for the time, or at the longest wait. @returns what stops it */
export function watchSilence({ timeoutMs, heardAt }: Silence, giveUp: () => void): () => void {
  const startedAt = performance.now();
  const endsAt = startedAt + longestWaitMs(timeoutMs);
  let stop = () => {};
  const look = () => {
    const now = performance.now();
    const dueAt = Math.min(Math.max(startedAt, heardAt() ?? startedAt) + timeoutMs, endsAt);
    if (now >= dueAt) return giveUp();
    stop = startTimer(Math.ceil(dueAt - now), look, { unref: true });
  };
  look();
  return () => stop();
}
