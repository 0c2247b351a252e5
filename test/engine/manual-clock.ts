import type { Clock } from '../../src/engine/clock.js';

/** Clocks that move only when told to. */
export class ManualClock implements Clock {
  #wall = 1_800_000_000_000;
  #monotonic = 0;

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Time passes. */
  pass(durationMs: number): void {
    this.#wall += durationMs;
    this.#monotonic += durationMs;
  }

  /** The wall clock is set, or the machine sleeps: time that the monotonic clock does not see. */
  jump(durationMs: number): void {
    this.#wall += durationMs;
  }
}
