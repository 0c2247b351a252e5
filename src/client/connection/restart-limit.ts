/** Most connections that are made anew, and within what time. */
export interface RestartLimits {
  readonly most: number;
  readonly withinMs: number;
}

/** Counts restarts, so that what always ends is not started for ever. */
export class RestartLimit {
  readonly limits: RestartLimits;
  #takenAt: readonly number[] = [];

  constructor(limits: RestartLimits) {
    this.limits = limits;
  }

  /** Whether there may be one more at this moment, which is then counted. */
  take(nowMs: number): boolean {
    const { most, withinMs } = this.limits;
    this.#takenAt = this.#takenAt.filter(at => nowMs - at < withinMs);
    if (this.#takenAt.length >= most) return false;
    this.#takenAt = [...this.#takenAt, nowMs];
    return true;
  }
}
