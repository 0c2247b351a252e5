import type { ConnectionEvent } from '../events.js';

/** Whether there is contact with the server, told once each time that it changes. */
export class Contact {
  #lost: { readonly cause: unknown; readonly at: number } | undefined;
  #listener: (event: ConnectionEvent) => void = () => {};

  observe(listener: (event: ConnectionEvent) => void): void {
    this.#listener = listener;
  }

  lose(cause: unknown): void {
    if (this.#lost !== undefined) return;
    this.#lost = { cause, at: performance.now() };
    this.#listener({ type: 'connection-lost', cause });
  }

  restore(newSession: boolean): void {
    if (this.#lost === undefined) return;
    const { cause, at } = this.#lost;
    this.#lost = undefined;
    this.#listener({ type: 'connection-restored', cause, lostForMs: performance.now() - at, newSession });
  }
}
