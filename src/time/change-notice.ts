import { type Deferred, newDeferred } from './deferred.js';

/** Tells any number of waiters that something has changed. Take `next` before you look, and no change is missed. */
export class ChangeNotice {
  #waiting: Deferred | undefined;

  /** Resolves at the next `announce()`. */
  get next(): Promise<void> {
    this.#waiting ??= newDeferred();
    return this.#waiting.promise;
  }

  announce(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve();
  }
}
