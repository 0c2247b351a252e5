import type { IQueueBackend } from 'bullmq';
import type { StoreCalls } from './store-calls.js';

/** No operation has a name that begins so. */
export const REGISTRY = '_operations';

/** The names of the operations that a store has ever held tasks of: they name its queues. */
export class KnownOperations {
  readonly #registry: IQueueBackend;
  readonly #calls: StoreCalls;
  #names: ReadonlySet<string> = new Set();

  constructor(registry: IQueueBackend, calls: StoreCalls) {
    this.#registry = registry;
    this.#calls = calls;
  }

  async add(operation: string): Promise<void> {
    if (this.#names.has(operation)) return;
    await this.#calls.make(() => this.#registry.setQueueMeta({ [operation]: 1 }));
    this.#names = new Set([...this.#names, operation]);
  }

  async has(operation: string): Promise<boolean> {
    return this.#names.has(operation) || (await this.list()).includes(operation);
  }

  async list(): Promise<readonly string[]> {
    const names = Object.keys(await this.#calls.make(() => this.#registry.getQueueMeta()));
    this.#names = new Set([...this.#names, ...names]);
    return names.toSorted();
  }
}
