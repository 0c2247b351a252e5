/** Calls `release` when it is disposed. A class, because thousands of waits hold some: closures of their own cost more. */
class OnDispose implements Disposable {
  readonly #release: () => void;

  constructor(release: () => void) {
    this.#release = release;
  }

  [Symbol.dispose](): void {
    this.#release();
  }
}

/** What calls `release` when it is disposed. */
export function onDispose(release: () => void): Disposable {
  return new OnDispose(release);
}
