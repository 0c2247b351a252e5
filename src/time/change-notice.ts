/** Tells any number of waiters that something has changed. Take `next` before you look, and no change is missed. */
export class ChangeNotice {
  #waiting: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  /** Resolves at the next `announce()`. */
  get next(): Promise<void> {
    if (this.#waiting === undefined) {
      let resolve = () => {};
      const promise = new Promise<void>(settle => {
        resolve = settle;
      });
      this.#waiting = { promise, resolve };
    }
    return this.#waiting.promise;
  }

  announce(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve();
  }
}
