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
      let stop = () => {};
      let wake = () => {};
      await new Promise<void>(resolve => {
        wake = resolve;
        stop = startTimer(delayMs, resolve, options);
        signal.addEventListener('abort', wake, { once: true });
        this.#wake = wake;
      });
      stop();
      signal.removeEventListener('abort', wake);
      this.#wake = undefined;
      signal.throwIfAborted();
    }
    const rang = this.#rung;
    this.#rung = false;
    return rang;
  }
}
