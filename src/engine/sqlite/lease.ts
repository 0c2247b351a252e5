import type { Clock } from '../clock.js';

/** Times of a lease, in milliseconds, such that a dead worker is noticed within `leaseMs` of its death. */
export interface LeaseTimes {
  /** Between two heartbeats, and two looks at the heartbeats of others. */
  readonly beatMs: number;
  /** How long a heartbeat counts. */
  readonly lapseMs: number;
  /** How long a worker whose heartbeat no longer counts may still renew it, before it is given up. */
  readonly graceMs: number;
}

/** A lapse, the beat that sees it, the grace and the beat that ends it are nine tenths of `leaseMs`. */
export function leaseTimes(leaseMs: number): LeaseTimes {
  return {
    beatMs: Math.ceil(leaseMs / 10),
    lapseMs: Math.ceil(leaseMs / 2),
    graceMs: Math.ceil(leaseMs / 5),
  };
}

/** Both clocks, read together. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

export function momentOf(clock: Clock): Moment {
  return { wall: clock.now(), monotonic: clock.monotonic() };
}

/**
 * How far the wall clock moved beyond the time that has really passed, in milliseconds: positive when it was set
 * forward or the machine slept, negative when it was set back.
 */
export function clockJumpMs(earlier: Moment, later: Moment): number {
  return later.wall - earlier.wall - (later.monotonic - earlier.monotonic);
}
