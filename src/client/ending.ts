import type { AwaitError } from '../errors.js';
import { startTimer } from '../time/sleep.js';

export interface EndingCauses {
  /** Signals that end the wait, each with the error that it ends with. */
  readonly signals: readonly {
    readonly signal: AbortSignal | undefined;
    readonly error: (reason: unknown) => AwaitError;
  }[];
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
  watch({ signals, deadlineAt, deadlineError }: EndingCauses): Disposable {
    const release: (() => void)[] = [];
    for (const { signal, error } of signals) {
      if (signal === undefined) continue;
      const onAbort = () => this.end(() => error(signal.reason));
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      release.push(() => signal.removeEventListener('abort', onAbort));
    }
    if (deadlineAt !== Number.POSITIVE_INFINITY) {
      release.push(startTimer(Math.max(0, deadlineAt - performance.now()), () => this.end(deadlineError)));
    }
    return {
      [Symbol.dispose]() {
        for (const stop of release) stop();
      },
    };
  }
}
