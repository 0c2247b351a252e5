import type { IQueueBackend } from 'bullmq';
import { AskedOnce } from '../asked-once.js';
import type { StoreCalls } from '../store-calls.js';

/** No operation has a name that begins so. */
export const REGISTRY = '_operations';

/** The names of the operations that a store has ever held tasks of: they name its queues. */
export class KnownOperations {
  readonly #registry: IQueueBackend;
  readonly #calls: StoreCalls;
  #names: ReadonlySet<string> = new Set();
  readonly #adding = new AskedOnce<void>();

  constructor(registry: IQueueBackend, calls: StoreCalls) {
    this.#registry = registry;
    this.#calls = calls;
  }

  async add(operation: string): Promise<void> {
    if (this.#names.has(operation)) return;
    await this.#adding.ask(operation, () => this.#write([operation]));
    this.#names = new Set([...this.#names, operation]);
  }

  /** What the store does not hold any more is written there again: it may have come back empty. */
  async list(): Promise<readonly string[]> {
    const stored = Object.keys(await this.#calls.make(() => this.#registry.getQueueMeta()));
    const lost = [...this.#names].filter(name => !stored.includes(name));
    if (lost.length > 0) await this.#write(lost);
    this.#names = new Set([...this.#names, ...stored]);
    return [...this.#names].toSorted();
  }

  async #write(operations: readonly string[]): Promise<void> {
    const names = Object.fromEntries(operations.map(name => [name, 1]));
    await this.#calls.make(() => this.#registry.setQueueMeta(names));
  }
}
