import type { Clock } from '../clock.js';

/** Times of a lease, in milliseconds, such that a dead process is noticed within `leaseMs` of its death. */
export interface LeaseTimes {
  /** Between two heartbeats, and two looks at the heartbeats of others. */
  readonly beatMs: number;
  /** How long a heartbeat counts. */
  readonly lapseMs: number;
}

export function leaseTimes(leaseMs: number): LeaseTimes {
  return { beatMs: leaseMs / 6, lapseMs: (leaseMs * 2) / 3 };
}

interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

function momentOf(clock: Clock): Moment {
  return { wall: clock.now(), monotonic: clock.monotonic() };
}

/** How far the wall clock moved beyond the time that has really passed, in milliseconds; negative when it went back. */
export function clockJump(earlier: Moment, later: Moment): number {
  return later.wall - earlier.wall - (later.monotonic - earlier.monotonic);
}

/**
 * Judges whether lapsed leases may be believed. After a start, and after the wall clock has jumped or the machine has
 * slept, living processes need a while to renew theirs.
 */
export class LeaseJudge {
  readonly #clock: Clock;
  readonly #times: LeaseTimes;
  #last: Moment;
  #trustFrom: number;

  constructor(clock: Clock, times: LeaseTimes) {
    this.#clock = clock;
    this.#times = times;
    this.#last = momentOf(clock);
    this.#trustFrom = this.#last.monotonic + times.lapseMs;
  }

  /** Looks at both clocks; call it at every beat. */
  mayJudge(): boolean {
    const moment = momentOf(this.#clock);
    if (Math.abs(clockJump(this.#last, moment)) > this.#times.beatMs) {
      this.#trustFrom = moment.monotonic + this.#times.lapseMs;
    }
    this.#last = moment;
    return moment.monotonic >= this.#trustFrom;
  }
}
