import { startTimer } from './sleep.js';

export interface IdleTimerOptions {
  /** Milliseconds; `Infinity` for never. */
  readonly limitMs: number;
  /** Another source of signs of life: when it gave the last one, on the clock of `performance.now()`. */
  readonly lastSignAt?: (() => number) | undefined;
  readonly onIdle: () => void;
}

/** Calls `onIdle` when there was no sign of life for so long; the next sign begins anew. One timer, however many signs. */
export class IdleTimer implements Disposable {
  readonly #options: IdleTimerOptions;
  #signAt = performance.now();
  #stop: (() => void) | undefined;

  constructor(options: IdleTimerOptions) {
    this.#options = options;
    this.#arm(options.limitMs);
  }

  /** There is a sign of life. */
  sign(): void {
    this.#signAt = performance.now();
    if (this.#stop === undefined) this.#arm(this.#options.limitMs);
  }

  [Symbol.dispose](): void {
    this.#stop?.();
  }

  #arm(delayMs: number): void {
    if (delayMs !== Number.POSITIVE_INFINITY) this.#stop = startTimer(delayMs, () => this.#look());
  }

  #look(): void {
    const { limitMs, lastSignAt, onIdle } = this.#options;
    const signAt = Math.max(this.#signAt, lastSignAt?.() ?? this.#signAt);
    const restMs = signAt + limitMs - performance.now();
    this.#stop = undefined;
    if (restMs > 0) this.#arm(Math.ceil(restMs));
    else onIdle();
  }
}
