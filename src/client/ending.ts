import type { AwaitError } from '../errors.js';
import { onDispose } from '../time/on-dispose.js';
import { onAbort } from '../time/signals.js';
import { startTimer } from '../time/sleep.js';

export interface Deadline {
  /** When the wait is over, on the clock of `performance.now()`; `Infinity` for never. */
  readonly at: number;
  readonly error: () => AwaitError;
}

/** The end of a wait from our side: whichever cause comes first wins, and is the `reason` of `signal`. */
export class Ending {
  readonly #controller = new AbortController();
  readonly #onEnd: (error: AwaitError) => void;
  #release: (() => void) | undefined;

  /** @param onEnd hears of the end first */
  constructor(onEnd: (error: AwaitError) => void) {
    this.#onEnd = onEnd;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(error: () => AwaitError): void {
    if (this.signal.aborted) return;
    this.release();
    const reason = error();
    this.#onEnd(reason);
    this.#controller.abort(reason);
  }

  /** Lets the caller's signal end the wait, from now until it has ended or is released. */
  listen(signal: AbortSignal | undefined, error: (reason: unknown) => AwaitError): void {
    if (signal === undefined) return;
    this.#release = onAbort(signal, () => this.end(() => error(signal.reason)));
  }

  /** There is nothing left to end: the caller's signal is listened to no more. */
  release(): void {
    this.#release?.();
    this.#release = undefined;
  }

  /** Ends the wait at the deadline, until the answer is disposed; then no timer is left. */
  watch({ at, error }: Deadline): Disposable | undefined {
    if (at === Number.POSITIVE_INFINITY) return undefined;
    return onDispose(startTimer(Math.max(0, at - performance.now()), () => this.end(error)));
  }
}
