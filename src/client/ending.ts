import type { AwaitError } from '../errors.js';
import { startTimer } from '../time/sleep.js';

export interface Deadline {
  /** When the wait is over, on the clock of `performance.now()`; `Infinity` for never. */
  readonly at: number;
  readonly error: () => AwaitError;
}

/** The end of a wait from our side: whichever cause comes first wins, and is the `reason` of `signal`. */
export class Ending {
  readonly #controller = new AbortController();
  #release: (() => void) | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(error: () => AwaitError): void {
    if (this.signal.aborted) return;
    this.release();
    this.#controller.abort(error());
  }

  /** Lets the caller's signal end the wait, from now until it has ended or is released. */
  listen(signal: AbortSignal | undefined, error: (reason: unknown) => AwaitError): void {
    if (signal === undefined) return;
    const onAbort = () => this.end(() => error(signal.reason));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    this.#release = () => signal.removeEventListener('abort', onAbort);
  }

  /** There is nothing left to end: the caller's signal is listened to no more. */
  release(): void {
    this.#release?.();
    this.#release = undefined;
  }

  /** Ends the wait at the deadline, until the answer is disposed; then no timer is left. */
  watch({ at, error }: Deadline): Disposable {
    const stopTimer =
      at === Number.POSITIVE_INFINITY
        ? undefined
        : startTimer(Math.max(0, at - performance.now()), () => this.end(error));
    return { [Symbol.dispose]: () => stopTimer?.() };
  }
}
