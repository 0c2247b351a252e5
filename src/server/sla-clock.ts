import { startTimer } from '../time/sleep.js';

/** Counts the time that a run takes, without the time that it waits for answers. */
export class SlaClock {
  readonly #onExceeded: () => void;
  #remainingMs: number;
  /** Undefined while it does not count. */
  #countsSince: number | undefined;
  #pauseCount = 0;
  #isStopped = false;
  #stopTimer = () => {};

  constructor(slaMs: number, onExceeded: () => void) {
    this.#onExceeded = onExceeded;
    this.#remainingMs = slaMs;
    this.#resume();
  }

  get remainingMs(): number {
    if (this.#countsSince === undefined) return this.#remainingMs;
    return this.#remainingMs - (performance.now() - this.#countsSince);
  }

  /** The time that `work` takes does not count. */
  async without<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#pauseCount++ === 0) this.#pause();
    try {
      return await work();
    } finally {
      if (--this.#pauseCount === 0) this.#resume();
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#pause();
  }

  #pause(): void {
    this.#stopTimer();
    this.#remainingMs = this.remainingMs;
    this.#countsSince = undefined;
  }

  #resume(): void {
    if (this.#isStopped) return;
    this.#countsSince = performance.now();
    this.#stopTimer = startTimer(Math.max(0, this.#remainingMs), this.#onExceeded);
  }
}
