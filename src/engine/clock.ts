/** The two clocks of a computer. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch, which all processes share and which may jump. */
  now(): number;
  /** Milliseconds that only move forward, and in this process only. */
  monotonic(): number;
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
