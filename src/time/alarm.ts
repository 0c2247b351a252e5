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

  /**
   * Waits `delayMs` milliseconds or until the alarm rings.
   * @throws the signal's reason when it aborts.
   */
  async sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#rung) {
      this.#sleeper = new AbortController();
      using linked = linkSignals(signal, this.#sleeper.signal);
      await sleep(delayMs, linked.signal).catch(() => signal.throwIfAborted());
      this.#sleeper = undefined;
    }
    this.#rung = false;
  }
}
