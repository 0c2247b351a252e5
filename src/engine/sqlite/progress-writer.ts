import { startTimer } from '../../time/sleep.js';
import type { Progress } from '../../types.js';

const INTERVAL_MS = 100;

/** Writes the latest progress at most ten times a second, the first at once. */
export class ProgressWriter {
  readonly #write: (progress: Progress) => void;
  #latest: Progress | undefined;
  #stopTimer: (() => void) | undefined;

  constructor(write: (progress: Progress) => void) {
    this.#write = write;
  }

  report(progress: Progress): void {
    this.#latest = progress;
    if (this.#stopTimer === undefined) this.#flush();
  }

  stop(): void {
    this.#stopTimer?.();
    this.#latest = undefined;
  }

  #flush(): void {
    const progress = this.#latest;
    this.#stopTimer = undefined;
    if (progress === undefined) return;
    this.#latest = undefined;
    this.#stopTimer = startTimer(INTERVAL_MS, () => this.#flush());
    this.#write(progress);
  }
}
