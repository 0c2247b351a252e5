import { startTimer } from '../../time/sleep.js';
import { jobToRecord, type StoredJob } from './job-record.js';
import type { OperationQueue } from './operation-queue.js';
import { failLost, type OnLost } from './orphaned-jobs.js';
import type { QueueState } from './queue-connection.js';
import type { TaskJobs } from './task-jobs.js';

const PAGE = 100;

/** Of one state, before others have their turn. */
const MAX_PAGES = 100;

/** Pages in a row on which nothing has expired. */
const MAX_IDLE_PAGES = 5;

const AT_ONCE = 5;

/** Where the next look for expired tasks of a queue begins, by the queue's state. */
type SweepPositions = Map<QueueState, number>;

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
      await queue.prune().catch(() => {});
    }
    await this.#options.onSwept();
  }

  #positionsOf({ operation }: OperationQueue): SweepPositions {
    const positions = this.#positions.get(operation) ?? new Map();
    this.#positions.set(operation, positions);
    return positions;
  }
}

/**
 * Removes tasks that have expired, from the oldest on, for as long as there are many. BullMQ itself removes only what is
 * older than any task may be kept.
 */
async function removeExpired(queue: OperationQueue, positions: SweepPositions): Promise<void> {
  for (const state of ['completed', 'failed', 'waiting', 'prioritized'] as const) {
    for (let page = 0, idlePages = 0; page < MAX_PAGES && idlePages < MAX_IDLE_PAGES; page++) {
      const start = positions.get(state) ?? 0;
      const jobs = await queue.list(state, { start, count: PAGE, oldestFirst: true });
      const expired = jobs.filter(job => jobToRecord(job, Date.now()) === undefined);
      await removeAll(queue, expired);
      const isLast = jobs.length < PAGE;
      positions.set(state, isLast ? 0 : start + PAGE - expired.length);
      if (isLast) break;
      idlePages = expired.length === 0 ? idlePages + 1 : 0;
    }
  }
}

async function removeAll(queue: OperationQueue, jobs: readonly StoredJob[]): Promise<void> {
  for (let index = 0; index < jobs.length; index += AT_ONCE) {
    await Promise.all(jobs.slice(index, index + AT_ONCE).map(job => queue.remove(job)));
  }
}
