import { BoundedMap } from './bounded-map.js';
import { estimateDurations } from './duration-estimate.js';
import { type DurationHistory, type ObservedDuration, observe } from './duration-history.js';
import type { Pacing } from './next-delay.js';
import { type PlanPair, type PollPlan, planPolls, requestBudget } from './poll-plan.js';

/** Keys that a store in memory remembers: some 3 kB each at the most. */
export const REMEMBERED_KEYS = 1000;

/**
 * Where durations are remembered, by a key that names a server and a tool.
 *
 * Obligations: bounded; what is got is what was set, or undefined (see `parseDurationHistory`); neither throws,
 * since a wait must not fail for what it cannot remember. A write that loses a race may be lost.
 */
export interface DurationStore {
  get(key: string): DurationHistory | undefined;
  set(key: string, history: DurationHistory): void;
}

const KEPT_PLANS = 1000;
/** A plan is made again when what it rests on has grown by this share. */
const STALE_SHARE = 1 / 32;

interface KeptPlan {
  readonly madeAtCount: number;
  readonly rests: number;
  readonly pair: PlanPair | undefined;
}

/** What is known of the durations of tasks, and the plans that follow from it. */
export class DurationMemory {
  readonly #store: DurationStore;
  readonly #plans = new BoundedMap<KeptPlan>(KEPT_PLANS);

  /** @default remembers for as long as the process lives */
  constructor(store: DurationStore = new BoundedMap<DurationHistory>(REMEMBERED_KEYS)) {
    this.#store = store;
  }

  /** When to ask for the state of the next task; undefined when nothing is known and backoff is best. */
  plan(key: string, pacing: Pacing, random: () => number): PollPlan | undefined {
    const pair = this.#pair(key, pacing);
    return pair && (random() < pair.generousShare ? pair.generous : pair.thrifty);
  }

  learn(key: string, observation: ObservedDuration): void {
    const history = observe(this.#store.get(key), observation);
    if (history !== undefined) this.#store.set(key, history);
  }

  #pair(key: string, pacing: Pacing): PlanPair | undefined {
    const history = this.#store.get(key);
    if (history === undefined) return undefined;
    const { initialIntervalMs, backoffMultiplier, maxIntervalMs, jitter } = pacing;
    const planKey = [key, initialIntervalMs, backoffMultiplier, maxIntervalMs, jitter].join(' ');
    const kept = this.#plans.get(planKey);
    if (kept !== undefined && Math.abs(history.count - kept.madeAtCount) <= kept.rests * STALE_SHARE)
      return kept.pair;
    const estimate = estimateDurations(history);
    const pair = estimate && planPolls(estimate, pacing, requestBudget(estimate, pacing, history.saved));
    this.#plans.set(planKey, { madeAtCount: history.count, rests: history.ends.length, pair });
    return pair;
  }
}
