import { type Deferred, newDeferred } from '../../time/deferred.js';

/** Limits how many are at work at the same time, such as requests under way. Whoever has a permit disposes it once. */
export class Limiter {
  readonly #waiting = new Set<(permit: Disposable) => void>();
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  get hasRoom(): boolean {
    return this.#free > 0;
  }

  /** A permit until it is disposed; undefined when none is free. */
  take(): Disposable | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    return this;
  }

  /** A permit as soon as one is free; first come, first served. @throws the signal's reason */
  async enter(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const free = this.take();
    if (free !== undefined) return free;
    let leave = () => {};
    try {
      return await new Promise<Disposable>((resolve, reject) => {
        this.#waiting.add(resolve);
        leave = () => {
          // One that has just got its permit is past leaving.
          if (this.#waiting.delete(resolve)) reject(signal.reason);
        };
        signal.addEventListener('abort', leave, { once: true });
      });
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** Gives one permit back. */
  [Symbol.dispose](): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else {
      this.#waiting.delete(next);
      next(this);
    }
  }
}

/** Callers that go on in one turn of the event loop, or at once within one window. */
const MAX_AT_ONCE = 10;
const WINDOW_MS = 10;

/**
 * Spreads work that comes all at once over turns of the event loop, so that ten thousand calls in one loop do not hold
 * up everything else. In the order in which they came.
 */
export class AdmissionLimiter {
  readonly #waiting: Deferred[] = [];
  #windowEndsAt = 0;
  /** Of the last turn that callers wait for, or of the window. */
  #left = 0;

  /** Resolves when the caller may go on; undefined when it may at once. */
  next(): Promise<void> | undefined {
    const now = performance.now();
    if (this.#waiting.length === 0 && now >= this.#windowEndsAt) {
      this.#windowEndsAt = now + WINDOW_MS;
      this.#left = MAX_AT_ONCE;
    }
    if (this.#left === 0) {
      this.#left = MAX_AT_ONCE;
      if (this.#waiting.push(newDeferred()) === 1) setImmediate(this.#goOn);
    }
    this.#left--;
    return this.#waiting.at(-1)?.promise;
  }

  readonly #goOn = (): void => {
    this.#waiting.shift()?.resolve();
    if (this.#waiting.length > 0) setImmediate(this.#goOn);
  };
}
