/**
 * How many requests of one client may be held by the server at the same time: each takes a connection of its own on
 * both sides. Waits that find no place ask at intervals.
 */
export class HoldPlaces {
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** A place until it is disposed; undefined when none is free. */
  take(): Disposable | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    return { [Symbol.dispose]: () => void this.#free++ };
  }
}
