/** Calls `release` when it is disposed. A class, because thousands of waits hold some: closures of their own cost more. */
export class OnDispose implements Disposable {
  readonly #release: () => void;

  constructor(release: () => void) {
    this.#release = release;
  }

  [Symbol.dispose](): void {
    this.#release();
  }
}
