/** Maximum number of restarts within a time. */
export interface RestartLimits {
  readonly most: number;
  readonly withinMs: number;
}

/** Counts restarts, so that a server that always exits is not started forever. */
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
