import type { AwaitError } from '../errors.js';
import { startTimer } from '../time/sleep.js';

export interface EndingCauses {
  /** The caller's signal, which ends the wait with this error. */
  readonly signal: AbortSignal | undefined;
  readonly abortError: (reason: unknown) => AwaitError;
  /** When the wait is over, on the clock of `performance.now()`; `Infinity` for never. */
  readonly deadlineAt: number;
  readonly deadlineError: () => AwaitError;
}

/** The end of a wait from our side: whichever cause comes first wins, and is the `reason` of `signal`. */
export class Ending {
  readonly #controller = new AbortController();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(error: () => AwaitError): void {
    if (!this.signal.aborted) this.#controller.abort(error());
  }

  /** Lets the causes end the wait until the answer is disposed; then no timer and no listener is left. */
  watch({ signal, abortError, deadlineAt, deadlineError }: EndingCauses): Disposable {
    const onAbort = () => this.end(() => abortError(signal?.reason));
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    const stopTimer =
      deadlineAt === Number.POSITIVE_INFINITY
        ? undefined
        : startTimer(Math.max(0, deadlineAt - performance.now()), () => this.end(deadlineError));
    return {
      [Symbol.dispose]() {
        signal?.removeEventListener('abort', onAbort);
        stopTimer?.();
      },
    };
  }
}
