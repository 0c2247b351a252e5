import { linkSignals } from './signals.js';
import { sleep } from './sleep.js';

/** A sleep that can be cut short. A ring that comes while nobody sleeps is kept and ends the next sleep at once. */
export class Alarm {
  #rung = false;
  #sleeper: AbortController | undefined;

  ring(): void {
    this.#rung = true;
    this.#sleeper?.abort();
  }

  /** Forgets a ring that nobody has heard. */
  reset(): void {
    this.#rung = false;
  }

  /**
   * Waits `delayMs` milliseconds or until the alarm rings.
   * @returns whether it rang
   * @throws the signal's reason when it aborts.
   */
  async sleep(delayMs: number, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (!this.#rung) {
      this.#sleeper = new AbortController();
      using linked = linkSignals(signal, this.#sleeper.signal);
      await sleep(delayMs, linked.signal).catch(() => signal.throwIfAborted());
      this.#sleeper = undefined;
    }
    const rang = this.#rung;
    this.#rung = false;
    return rang;
  }
}
