import type { Progress } from '../types.js';
import { backoffTime, leastInterval, type Pacing } from './next-delay.js';

/** How far a task was at one moment. */
interface ProgressPoint {
  /** Milliseconds since the server accepted the task. */
  readonly elapsedMs: number;
  /** From 0 to 1. */
  readonly fraction: number;
}

/** What the speed of a task is measured by. */
export interface ProgressTrack {
  /** Where the task was last seen without any movement. */
  readonly from: ProgressPoint;
  /** What was told before the last time. */
  readonly previous: ProgressPoint;
  readonly last: ProgressPoint;
}

/** How much of a task is done, from 0 to 1; undefined where the progress has no end that it goes up to. */
export function fractionOf({ progress, total }: Progress): number | undefined {
  if (total === undefined || !(total > 0) || !(progress >= 0)) return undefined;
  return Math.min(progress / total, 1);
}

/**
 * The track with one more point. It begins where the task was last seen without any movement, so that time in a queue
 * is no part of its speed, and begins again when progress goes back, as it does with a new phase.
 */
export function followProgress(track: ProgressTrack | undefined, point: ProgressPoint): ProgressTrack {
  if (track === undefined) {
    const from = point.fraction > 0 ? { elapsedMs: 0, fraction: 0 } : point;
    return { from, previous: from, last: point };
  }
  const { from, last } = track;
  const beginsAgain = point.fraction === from.fraction || point.fraction < last.fraction;
  return { from: beginsAgain ? point : from, previous: last, last: point };
}

/**
 * Milliseconds from `elapsedMs` to the end, 0 or more, at the speed of the whole track; undefined while nothing has
 * moved. A task that was taken to be near its end and ran on has become slower: then the later of both speeds counts.
 */
export function remainingMs(
  { from, previous, last }: ProgressTrack,
  { elapsedMs, ranOn }: { readonly elapsedMs: number; readonly ranOn: boolean },
): number | undefined {
  const overall = endAt(from, last);
  if (overall === undefined) return undefined;
  const end = ranOn ? Math.max(overall, endAt(previous, last) ?? 0) : overall;
  return Math.max(0, end - elapsedMs);
}

function endAt(from: ProgressPoint, last: ProgressPoint): number | undefined {
  const speed = (last.fraction - from.fraction) / (last.elapsedMs - from.elapsedMs);
  return speed > 0 ? last.elapsedMs + (1 - last.fraction) / speed : undefined;
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
 * Says when to ask by the progress of this very task, once that has been told. Most of the remaining time is slept at
 * once, and the forecast is made anew. Each request near the end that finds the task still running doubles the next
 * interval, so that a task that stands at 99 % costs few requests.
 */
export class ProgressForecast {
  readonly #pacing: Pacing;
  #track: ProgressTrack | undefined;
  #misses = 0;

  constructor(pacing: Pacing) {
    this.#pacing = pacing;
  }

  /** @param elapsedMs since the server accepted the task */
  observe(progress: Progress, elapsedMs: number): void {
    const fraction = fractionOf(progress);
    if (fraction !== undefined) this.#track = followProgress(this.#track, { elapsedMs, fraction });
  }

  /** Milliseconds until the next request, after `attempt` answers; undefined where nothing is known. */
  delay(attempt: number, elapsedMs: number): number | undefined {
    const ranOn = this.#misses > 0;
    const restMs = this.#track && remainingMs(this.#track, { elapsedMs, ranOn });
    if (restMs === undefined) return undefined;
    const isNear = restMs <= Math.max(elapsedMs * NEAR_SHARE, this.#pacing.initialIntervalMs);
    const shortestMs = ranOn
      ? elapsedMs * MIN_INTERVAL_SHARE * 2 ** (this.#misses - 1)
      : leastInterval(this.#pacing);
    this.#misses = isNear ? this.#misses + 1 : 0;
    const evenMs = backoffTime(attempt + 1 - MAX_REQUESTS_AHEAD, this.#pacing) - elapsedMs;
    return Math.max(isNear ? restMs : restMs * TRUSTED_SHARE, shortestMs, evenMs);
  }
}
