/** What can be ended because its client is closed. */
export interface Closable {
  endAsClosed(): void;
}

/** The waits of one client that are under way, so that closing the client ends them. */
export class OpenRuns {
  readonly #runs = new Set<Closable>();
  #closed = false;

  /** From now on closing ends the run, until the answer is disposed; of a closed client it ends at once. */
  add(run: Closable): Disposable {
    if (this.#closed) run.endAsClosed();
    this.#runs.add(run);
    return { [Symbol.dispose]: () => this.#runs.delete(run) };
  }

  close(): void {
    this.#closed = true;
    for (const run of this.#runs) run.endAsClosed();
  }
}
