import { repeat } from '../../time/repeat.js';
import type { StoreCalls } from '../store-calls.js';
import { operationOf } from '../task-ref.js';
import type { OperationQueue } from './operation-queue.js';
import type { RecordStore } from './record-store.js';
import type { TaskRecords } from './task-records.js';

/** Expired tasks that are removed together. */
const PAGE = 100;
const SWEEP_INTERVAL_MS = 60_000;

export interface StoreMaintenanceOptions {
  readonly tasks: TaskRecords;
  readonly records: RecordStore;
  readonly calls: StoreCalls;
  /** All that the store knows. */
  readonly operations: () => Promise<readonly string[]>;
  readonly queue: (operation: string) => OperationQueue;
  /** Between two looks for the tasks of workers that died. */
  readonly checkIntervalMs: number;
  /** Called after each sweep of expired tasks. */
  readonly onSwept: () => Promise<void>;
}

/** What every open engine does for the whole store, whoever the tasks belong to. */
export class StoreMaintenance {
  readonly #options: StoreMaintenanceOptions;
  readonly #stopRounds: () => Promise<void>;
  #sweptAt = Number.NEGATIVE_INFINITY;
  /** A long sweep holds up no look for lost tasks. */
  #sweeping: Promise<void> = Promise.resolve();
  #isStopped = false;
  /** Runs without a lock in the last look at each queue. */
  readonly #suspects = new Map<OperationQueue, ReadonlySet<string>>();

  constructor(options: StoreMaintenanceOptions) {
    this.#options = options;
    this.#stopRounds = repeat(() => this.#round(), options.checkIntervalMs);
  }

  /** Resolves when nothing more is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#stopRounds();
    await this.#sweeping;
  }

  async #round(): Promise<void> {
    if (performance.now() - this.#sweptAt >= SWEEP_INTERVAL_MS) {
      this.#sweptAt = performance.now();
      this.#sweeping = this.#sweeping.then(() => this.#sweep()).catch(() => {});
    }
    const { operations, queue } = this.#options;
    for (const operation of await operations()) {
      if (this.#isStopped) return;
      // What is wrong with one queue is no reason to forget the others.
      await this.#releaseLost(queue(operation)).catch(() => {});
    }
  }

  /** Tasks that run, and whose worker has not held their message in two looks, are run again or fail. */
  async #releaseLost(queue: OperationQueue): Promise<void> {
    const { tasks, records, calls } = this.#options;
    await queue.moveStalled();
    const lost = await calls.make(() => records.lost(queue.operation));
    const suspects = this.#suspects.get(queue);
    this.#suspects.set(queue, new Set(lost.map(({ worker }) => worker)));
    for (const run of lost.filter(({ worker }) => suspects?.has(worker))) {
      const released = await tasks.releaseLost(run);
      // Its message may be gone.
      if (released?.status === 'pending') await queue.add({ taskRef: run.taskRef, owner: '', dueAt: 0 });
    }
  }

  async #sweep(): Promise<void> {
    const { records, calls, queue, onSwept } = this.#options;
    for (;;) {
      const refs = await calls.make(() => records.expired(PAGE));
      await calls.make(() => records.remove(refs));
      await Promise.all(refs.map(ref => queue(operationOf(ref) ?? '').remove(ref))).catch(() => {});
      if (refs.length < PAGE || this.#isStopped) break;
    }
    await onSwept();
  }
}
