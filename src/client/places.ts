import { onDispose } from '../time/on-dispose.js';

/** A limited number of places, such as for requests that are under way at the same time. */
export class Places {
  readonly #waiting = new Set<(place: Disposable) => void>();
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** A place until it is disposed; undefined when none is free. */
  take(): Disposable | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    return this.#place();
  }

  /** A place as soon as one is free; whoever came first is first. @throws the signal's reason */
  async enter(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const free = this.take();
    if (free !== undefined) return free;
    let leave = () => {};
    try {
      return await new Promise<Disposable>((resolve, reject) => {
        this.#waiting.add(resolve);
        leave = () => {
          // One that has just got its place is past leaving.
          if (this.#waiting.delete(resolve)) reject(signal.reason);
        };
        signal.addEventListener('abort', leave, { once: true });
      });
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  #place(): Disposable {
    return onDispose(() => this.#release());
  }

  #release(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else {
      this.#waiting.delete(next);
      next(this.#place());
    }
  }
}
