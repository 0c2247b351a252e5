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
  /** Where it was first seen to have moved. */
  readonly first: ProgressPoint;
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
    return { from, first: point, last: point };
  }
  const { from, first, last } = track;
  const beginsAgain = point.fraction === from.fraction || point.fraction < last.fraction;
  if (beginsAgain) return { from: point, first: point, last: point };
  return { from, first: first === from ? point : first, last: point };
}

/** Less would be a task that hardly ends. */
const MIN_EXPONENT = 0.5;

/**
 * Milliseconds from `elapsedMs` to the end, 0 or more; undefined while nothing has moved. The progress of a task that
 * becomes slower is a power of its time. A task that becomes faster is taken as even: so does one seem that tells its
 * progress in steps, or that has waited in a queue.
 */
export function remainingMs({ from, first, last }: ProgressTrack, elapsedMs: number): number | undefined {
  const timeMs = last.elapsedMs - from.elapsedMs;
  const share = (last.fraction - from.fraction) / (1 - from.fraction);
  const growth = (last.fraction - from.fraction) / (first.fraction - from.fraction);
  const exponent = Math.log(growth) / Math.log(timeMs / (first.elapsedMs - from.elapsedMs));
  const power = growth > 1 ? Math.max(MIN_EXPONENT, Math.min(exponent, 1)) : 1;
  const endMs = from.elapsedMs + timeMs * share ** (-1 / power);
  return Number.isFinite(endMs) ? Math.max(0, endMs - elapsedMs) : undefined;
}

/** At most this share of the time that a forecast leaves is kept back. */
const MAX_DOUBT = 0.45;
/** The end is near when no more than this share of the task's age is left, or one first interval. */
const NEAR_SHARE = 0.05;
/** A task gets at most so many requests more than backoff would have sent by then. */
const MAX_REQUESTS_AHEAD = 8;
/** First interval of a task that is overdue, as a share of its age. */
const OVERDUE_SHARE = 0.1;
const OVERDUE_GROWTH = 1.5;

/**
 * Says when to ask by the progress of this very task, once that has been told. It sleeps until the forecast end, less the
 * time by which the forecast has moved since the last one. Each request that finds the task running at its forecast end
 * lengthens the next interval, so that a task that stands at 99 % costs few requests.
 */
export class ProgressForecast {
  readonly #pacing: Pacing;
  #track: ProgressTrack | undefined;
  /** As it was forecast last. */
  #endMs = Number.POSITIVE_INFINITY;
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
    const restMs = this.#track && remainingMs(this.#track, elapsedMs);
    if (restMs === undefined) return undefined;
    const leastMs = leastInterval(this.#pacing);
    const movedMs = Math.abs(elapsedMs + restMs - this.#endMs);
    this.#misses = elapsedMs + leastMs > this.#endMs ? this.#misses + 1 : 0;
    this.#endMs = elapsedMs + restMs;
    const isNear = restMs <= Math.max(elapsedMs * NEAR_SHARE, this.#pacing.initialIntervalMs);
    const doubtMs = isNear ? 0 : Math.min(movedMs, restMs * MAX_DOUBT);
    const overdueMs = elapsedMs * OVERDUE_SHARE * OVERDUE_GROWTH ** (this.#misses - 1);
    const evenMs = backoffTime(attempt + 1 - MAX_REQUESTS_AHEAD, this.#pacing) - elapsedMs;
    return Math.max(restMs - doubtMs, this.#misses > 0 ? overdueMs : leastMs, evenMs);
  }
}
