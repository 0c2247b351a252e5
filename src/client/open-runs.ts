import { setMaxListeners } from 'node:events';
import { onDispose } from '../time/on-dispose.js';

/** What can be ended because its client is closed. */
export interface Closable {
  endAsClosed(): void;
}

/** The waits of one client that are under way, so that closing the client ends them. */
export class OpenRuns {
  readonly #runs = new Set<Closable>();
  readonly #closing = new AbortController();

  constructor() {
    setMaxListeners(0, this.closed);
  }

  /** Aborts when the client is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  get size(): number {
    return this.#runs.size;
  }

  /** From now on closing ends the run, until the answer is disposed; of a closed client it ends at once. */
  add(run: Closable): Disposable {
    if (this.closed.aborted) run.endAsClosed();
    this.#runs.add(run);
    return onDispose(() => this.#runs.delete(run));
  }

  close(): void {
    this.#closing.abort(new Error('The client was closed.'));
    for (const run of this.#runs) run.endAsClosed();
  }
}
