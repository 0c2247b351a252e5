/** Tells any number of waiters that something has changed. Take `next` before you look, and no change is missed. */
export class ChangeNotice {
  #resolve: () => void = () => {};
  #next: Promise<void> = this.#renew();

  /** Resolves at the next `announce()`. */
  get next(): Promise<void> {
    return this.#next;
  }

  announce(): void {
    const resolve = this.#resolve;
    this.#next = this.#renew();
    resolve();
  }

  #renew(): Promise<void> {
    return new Promise(resolve => {
      this.#resolve = resolve;
    });
  }
}
