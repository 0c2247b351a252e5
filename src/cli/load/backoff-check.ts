import { nextDelay, type Pacing } from '../../pacing/next-delay.js';

/** From one answer of the server to the next status request. */
export interface PollInterval {
  /** Status requests answered before, from 0. */
  readonly attempt: number;
  /** What the server had asked for, as it came. */
  readonly hintMs: number | undefined;
  /** What was measured. */
  readonly waitedMs: number;
}

/** A timer of Node may fire up to a millisecond early, and the two moments are read apart from it. */
const EARLY_TOLERANCE_MS = 5;

/**
 * The intervals that are not as configured: shorter or longer than chance may make the server's hint or, without one,
 * the exponential backoff.
 * @param lateToleranceMs how late this machine may have been to notice that a time has come
 */
export function strayIntervals(
  intervals: readonly PollInterval[],
  pacing: Pacing,
  lateToleranceMs: number,
): PollInterval[] {
  return intervals.filter(({ attempt, hintMs, waitedMs }) => {
    const extremes = [0, 1].map(chance => nextDelay({ attempt, hintMs, pacing, random: () => chance }));
    const tooShort = waitedMs < Math.min(...extremes) - EARLY_TOLERANCE_MS;
    return tooShort || waitedMs > Math.max(...extremes) + lateToleranceMs;
  });
}
