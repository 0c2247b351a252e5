import type { Engine } from '../../engine/engine.js';
import type { OperationStats } from '../../engine/operation-stats.js';
import { atMost } from '../../time/at-most.js';
import { formatDuration } from '../../time/duration.js';
import { repeat } from '../../time/repeat.js';
import { type AlertContext, type AlertState, alertChanges, judge } from './alerts.js';
import type { Log } from './log.js';

/** Reading a big store costs something, and whoever may scrape must not make it cost more. */
const FRESH_MS = 5000;
const TIMEOUT_MS = 5000;

/** How the tasks of a store stand, as of the last look. */
export interface StoreView {
  /** Undefined when the store did not answer. */
  readonly stats: readonly OperationStats[] | undefined;
  readonly alerts: readonly AlertState[];
}

export interface StoreWatchOptions extends Pick<AlertContext, 'rules' | 'slaMs'> {
  readonly engine: Pick<Engine, 'stats'>;
  readonly windowMs: number;
  readonly intervalMs: number;
  readonly log: Log;
  /** Milliseconds that only move forward. @default performance.now */
  readonly now?: (() => number) | undefined;
}

/** Looks at the store from time to time and whenever asked, and says when an alert begins and when it is over. */
export class StoreWatch {
  readonly #options: StoreWatchOptions;
  readonly #now: () => number;
  #view: StoreView = { stats: undefined, alerts: [] };
  #looking: Promise<StoreView> | undefined;
  /** The engine's own answer, also after nobody waits for it any more. */
  #reading: Promise<readonly OperationStats[]> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #isSilent = false;
  #stopLooks = async () => {};

  constructor(options: StoreWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Looks every `intervalMs` from now on, without keeping the process alive. */
  start(): void {
    this.#stopLooks = repeat(async () => void this.look(), this.#options.intervalMs);
  }

  stop(): void {
    void this.#stopLooks();
  }

  /** How the tasks stand now, or stood up to five seconds ago. Never rejects. */
  look(): Promise<StoreView> {
    if (this.#looking !== undefined) return this.#looking;
    if (this.#now() - this.#lookedAt < FRESH_MS) return Promise.resolve(this.#view);
    this.#looking = this.#lookAfresh().finally(() => {
      this.#lookedAt = this.#now();
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookAfresh(): Promise<StoreView> {
    const { rules, slaMs } = this.#options;
    const earlier = this.#view.alerts;
    const stats = await this.#read();
    // What is not known does not end an alert.
    const alerts = stats === undefined ? earlier : judge(stats, { rules, slaMs, earlier });
    this.#view = { stats, alerts };
    this.#tell(earlier, alerts);
    return this.#view;
  }

  async #read(): Promise<readonly OperationStats[] | undefined> {
    const { engine, windowMs, log } = this.#options;
    // One that hangs is waited for, not asked again.
    this.#reading ??= Promise.resolve()
      .then(() => engine.stats(windowMs))
      .finally(() => {
        this.#reading = undefined;
      });
    try {
      const stats = await atMost(this.#reading, TIMEOUT_MS);
      if (this.#isSilent) log.info('The store answers again');
      this.#isSilent = false;
      return stats;
    } catch {
      // Its message may name the store; the calls that fail tell their own.
      if (!this.#isSilent) log.error('The store does not answer');
      this.#isSilent = true;
      return undefined;
    }
  }

  #tell(earlier: readonly AlertState[], now: readonly AlertState[]): void {
    const { begun, over } = alertChanges(earlier, now);
    for (const state of begun) this.#options.log.warn(BEGUN[state.alert], this.#fields(state));
    for (const { operation, alert } of over) this.#options.log.info('An alert is over', { operation, alert });
  }

  #fields({ operation, alert, value = 0, limit }: AlertState) {
    const shown = (amount: number) =>
      alert === 'failure_rate' ? `${Number((amount * 100).toFixed(1))}%` : formatDuration(amount);
    const window = formatDuration(this.#options.windowMs);
    return { operation, alert, value: shown(value), limit: shown(limit), window };
  }
}

const BEGUN = {
  failure_rate: 'Too many tasks of an operation fail',
  mean_over_sla: 'The tasks of an operation take longer than its SLA allows',
} as const;
