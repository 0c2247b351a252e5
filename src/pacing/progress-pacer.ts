import type { Progress } from '../types.js';
import { backoffTime, isUsableHint, leastInterval, type Pacing } from './next-delay.js';
import type { Pacer } from './pacer.js';
import { followProgress, fractionOf, type ProgressTrack, remainingMs } from './progress-forecast.js';

export interface ProgressPacerOptions {
  readonly pacing: Pacing;
  /** How old the task is when its wait begins, in milliseconds; 0 when it is not known. */
  readonly ageMs: number;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
}

/** Progress is told in steps and lags behind: a forecast is trusted for this share of the time that it leaves. */
const TRUSTED_SHARE = 0.8;
/** The end is near when no more than this share of the task's age is left, or one first interval. */
const NEAR_SHARE = 0.05;
/** A task gets at most so many requests more than backoff would have sent by then. */
const MAX_REQUESTS_AHEAD = 8;
/** Shortest interval near the end, as a share of the task's age. */
const MIN_INTERVAL_SHARE = 0.05;

/**
 * Asks sooner than `inner` does where the progress of this very task says that its end is near. Most of the remaining
 * time is slept at once, and the forecast is made anew. Each request near the end that finds the task still running
 * doubles the next interval, so that a task that stands at 99 % costs few requests. A hint of the server is left alone.
 */
export function progressPacer(inner: Pacer, options: ProgressPacerOptions): Pacer {
  const { pacing, now = () => performance.now() } = options;
  const acceptedAt = now() - options.ageMs;
  let track: ProgressTrack | undefined;
  let misses = 0;

  function forecastDelay(attempt: number): number | undefined {
    const elapsedMs = now() - acceptedAt;
    const restMs = track && remainingMs(track, { elapsedMs, ranOn: misses > 0 });
    if (restMs === undefined) return undefined;
    const isNear = restMs <= Math.max(elapsedMs * NEAR_SHARE, pacing.initialIntervalMs);
    const shortestMs =
      misses === 0 ? leastInterval(pacing) : elapsedMs * MIN_INTERVAL_SHARE * 2 ** (misses - 1);
    misses = isNear ? misses + 1 : 0;
    const evenMs = backoffTime(attempt + 1 - MAX_REQUESTS_AHEAD, pacing) - elapsedMs;
    return Math.max(isNear ? restMs : restMs * TRUSTED_SHARE, shortestMs, evenMs);
  }

  return {
    delay(attempt, hintMs) {
      const delayMs = inner.delay(attempt, hintMs);
      return isUsableHint(hintMs) ? delayMs : Math.min(delayMs, forecastDelay(attempt) ?? delayMs);
    },
    asking: held => inner.asking(held),
    answered(state: 'running' | 'ended' | 'cancelled', progress?: Progress) {
      inner.answered(state, progress);
      const fraction = progress && fractionOf(progress);
      if (fraction !== undefined) track = followProgress(track, { elapsedMs: now() - acceptedAt, fraction });
    },
    [Symbol.dispose]: () => inner[Symbol.dispose](),
  };
}
