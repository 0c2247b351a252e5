import { startTimer } from '../time/sleep.js';
import type { Progress } from '../types.js';

const INTERVAL_MS = 100;

/** Writes the latest progress at most ten times a second, the first at once. */
export class ProgressWriter {
  readonly #write: (progress: Progress) => void;
  #latest: Progress | undefined;
  #stopTimer: (() => void) | undefined;
  #stopped = false;

  constructor(write: (progress: Progress) => void) {
    this.#write = write;
  }

  report(progress: Progress): void {
    if (this.#stopped) return;
    this.#latest = progress;
    if (this.#stopTimer === undefined) this.#flush();
  }

  /** Writes nothing more. The answer is what was reported and not yet written. */
  stop(): Progress | undefined {
    this.#stopped = true;
    this.#stopTimer?.();
    return this.#latest;
  }

  #flush(): void {
    const progress = this.#latest;
    this.#stopTimer = undefined;
    if (progress === undefined) return;
    this.#latest = undefined;
    this.#stopTimer = startTimer(INTERVAL_MS, () => this.#flush(), { unref: true });
    this.#write(progress);
  }
}
