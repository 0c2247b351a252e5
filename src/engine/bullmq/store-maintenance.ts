import { startTimer } from '../../time/sleep.js';
import type { OperationQueue } from './operation-queue.js';
import { failLost, type OnLost } from './orphaned-jobs.js';
import { removeExpired, type SweepPositions } from './sweep.js';
import type { TaskJobs } from './task-jobs.js';

const SWEEP_INTERVAL_MS = 60_000;

export interface StoreMaintenanceOptions {
  readonly jobs: TaskJobs;
  /** Between two looks for the jobs of workers that died. */
  readonly checkIntervalMs: number;
  readonly onLost: OnLost;
  /** Called after each sweep of expired tasks. */
  readonly onSwept: () => Promise<void>;
}

/** What every open engine does for the whole store, whoever the tasks belong to. */
export class StoreMaintenance {
  readonly #options: StoreMaintenanceOptions;
  readonly #positions = new Map<string, SweepPositions>();
  #sweptAt = Number.NEGATIVE_INFINITY;
  #cancelNext = () => {};
  #present: Promise<void> = Promise.resolve();
  /** A long sweep holds up no look for lost jobs. */
  #sweeping: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: StoreMaintenanceOptions) {
    this.#options = options;
    this.#planNext();
  }

  /** Resolves when nothing more is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelNext();
    await Promise.all([this.#present, this.#sweeping]);
  }

  #planNext(): void {
    const round = () => {
      this.#present = this.#round()
        .catch(() => {
          // A store that is away is looked after again in the next round.
        })
        .finally(() => {
          if (!this.#isStopped) this.#planNext();
        });
    };
    this.#cancelNext = startTimer(this.#options.checkIntervalMs, round, { unref: true });
  }

  async #round(): Promise<void> {
    const queues = await this.#options.jobs.queues();
    const sweeps = performance.now() - this.#sweptAt >= SWEEP_INTERVAL_MS;
    if (sweeps) {
      this.#sweptAt = performance.now();
      this.#sweeping = this.#sweeping.then(() => this.#sweep(queues)).catch(() => {});
    }
    for (const queue of queues) {
      if (this.#isStopped) return;
      // What is wrong with one queue is no reason to forget the others.
      await failLost(queue, this.#options.onLost).catch(() => {});
    }
  }

  async #sweep(queues: readonly OperationQueue[]): Promise<void> {
    for (const queue of queues) {
      if (this.#isStopped) return;
      await removeExpired(queue, this.#positionsOf(queue)).catch(() => {});
    }
    await this.#options.onSwept();
  }

  #positionsOf({ operation }: OperationQueue): SweepPositions {
    const positions = this.#positions.get(operation) ?? new Map();
    this.#positions.set(operation, positions);
    return positions;
  }
}
