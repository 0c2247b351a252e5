import type { Progress } from '../types.js';

/** How far a task was at one moment. */
export interface ProgressPoint {
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
