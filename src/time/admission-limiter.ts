/** Callers that go on at once, of those that come within one window. */
const MAX_AT_ONCE = 25;
const WINDOW_MS = 10;

/**
 * Spreads work that comes all at once over turns of the event loop, so that ten thousand calls in one loop do not hold
 * up everything else. In the order in which they came.
 */
export class AdmissionLimiter {
  readonly #waiting: (() => void)[] = [];
  #windowEndsAt = 0;
  #left = 0;

  /** Resolves when the caller may go on; undefined when it may at once. */
  next(): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#take()) return undefined;
    return new Promise(resolve => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) this.#arm();
    });
  }

  #take(): boolean {
    const now = performance.now();
    if (now >= this.#windowEndsAt) {
      this.#windowEndsAt = now + WINDOW_MS;
      this.#left = MAX_AT_ONCE;
    }
    return --this.#left >= 0;
  }

  #arm(): void {
    setImmediate(() => {
      for (const goOn of this.#waiting.splice(0, MAX_AT_ONCE)) goOn();
      if (this.#waiting.length > 0) this.#arm();
    });
  }
}
