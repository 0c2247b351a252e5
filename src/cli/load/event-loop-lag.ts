import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How late a machine with nothing else to do may be. */
const LATE_TOLERANCE_MS = 100;
const NANOSECONDS_PER_MS = 1e6;

/** Measures how late this process notices that a time has come. */
export function eventLoopLag() {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  histogram.enable();
  return {
    /** What is this process's own lateness: one lag before an answer is read and one before the next request. */
    toleranceMs: () => LATE_TOLERANCE_MS + (2 * histogram.max) / NANOSECONDS_PER_MS,
    stop: () => {
      histogram.disable();
    },
  };
}
