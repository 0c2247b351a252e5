import { startTimer, type TimerOptions } from './sleep.js';

/** A sleep that can be cut short. A ring that comes while nobody sleeps is kept and ends the next sleep at once. */
export class Alarm {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Forgets a ring that nobody has heard. */
  reset(): void {
    this.#rung = false;
  }

  /**
   * Waits `delayMs` milliseconds or until the alarm rings; leaves no timer and no listener, however it ends.
   * @returns whether it rang
   * @throws the signal's reason when it aborts.
   */
  async sleep(delayMs: number, signal: AbortSignal, options: TimerOptions = {}): Promise<boolean> {
    signal.throwIfAborted();
    if (!this.#rung) {
      const { promise, end } = wakening(delayMs, { ...options, signal });
      this.#wake = end;
      await promise;
      this.#wake = undefined;
      signal.throwIfAborted();
    }
    const rang = this.#rung;
    this.#rung = false;
    return rang;
  }
}

/** Ends with the delay, with the signal or when it is told to. */
function wakening(
  delayMs: number,
  { signal, unref }: TimerOptions & { readonly signal: AbortSignal },
): { promise: Promise<void>; end: () => void } {
  let end = () => {};
  const promise = new Promise<void>(resolve => {
    const stop = startTimer(delayMs, () => end(), { unref });
    end = () => {
      stop();
      signal.removeEventListener('abort', end);
      resolve();
    };
    signal.addEventListener('abort', end, { once: true });
  });
  return { promise, end };
}
