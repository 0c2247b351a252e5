import { BoundedMap } from './bounded-map.js';
import { estimateDurations, type ObservedEnd } from './duration-estimate.js';
import type { Pacing } from './next-delay.js';
import { type PlanPair, type PollPlan, planPolls, requestBudget } from './poll-plan.js';

/** What is remembered of one tool of one server: plain JSON of at most some 3 kB. */
export interface DurationHistory {
  readonly version: 1;
  /** Oldest first. */
  readonly ends: readonly ObservedEnd[];
  /** How many ends were ever observed. */
  readonly count: number;
  /** The requests that backoff would have sent for these tasks, less those that were sent; bounded. */
  readonly saved: number;
}

export interface ObservedDuration {
  readonly end: ObservedEnd;
  /** The requests that backoff would have sent for this task, less those that were sent. */
  readonly saved: number;
}

/** Enough to know a tail of 1 %. */
export const REMEMBERED_ENDS = 128;
/** An end before the first request tells little: this share of the room is for the others, however old they are. */
const SHARE_OF_LOCATED = 0.25;
const MAX_SAVED = 16;

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
    const history = this.#store.get(key);
    const pair = history && this.#pair(key, history, pacing);
    return pair && (random() < pair.generousShare ? pair.generous : pair.thrifty);
  }

  learn(key: string, observation: ObservedDuration): void {
    const history = observe(this.#store.get(key), observation);
    if (history !== undefined) this.#store.set(key, history);
  }

  #pair(key: string, history: DurationHistory, pacing: Pacing): PlanPair | undefined {
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

/** The history with one more end, without an old one where there is no room. An end that tells nothing is left out. */
export function observe(
  history: DurationHistory | undefined,
  observation: ObservedDuration,
): DurationHistory | undefined {
  const [ranMs, endedMs] = observation.end;
  const [afterMs, untilMs] = [Math.floor(ranMs), endedMs === null ? null : Math.ceil(endedMs)];
  const tells = untilMs === null ? afterMs > 0 : untilMs > 0 && untilMs >= afterMs;
  if (!tells) return history;
  const end = [afterMs, untilMs] as const;
  const { ends, count, saved } = history ?? { ends: [], count: 0, saved: 0 };
  return {
    version: 1,
    ends: ends.length < REMEMBERED_ENDS ? [...ends, end] : withoutOldest([...ends, end]),
    count: count + 1,
    saved: Math.max(-MAX_SAVED, Math.min(saved + observation.saved, MAX_SAVED)),
  };
}

/** Reads a stored history; undefined when it is none of this version. */
export function parseDurationHistory(value: unknown): DurationHistory | undefined {
  const { version, ends, count, saved } = (value ?? {}) as {
    readonly [Name in keyof DurationHistory]?: unknown;
  };
  if (version !== 1 || !Array.isArray(ends) || ends.length > REMEMBERED_ENDS) return undefined;
  if (!ends.every(isObservedEnd) || !isCount(count)) return undefined;
  if (typeof saved !== 'number' || !(Math.abs(saved) <= MAX_SAVED)) return undefined;
  return { version, ends, count, saved };
}

function withoutOldest(ends: readonly ObservedEnd[]): readonly ObservedEnd[] {
  const early = ends.filter(([afterMs]) => afterMs === 0).length;
  const crowded = early > REMEMBERED_ENDS * (1 - SHARE_OF_LOCATED);
  return ends.toSpliced(crowded ? ends.findIndex(([afterMs]) => afterMs === 0) : 0, 1);
}

function isObservedEnd(value: unknown): value is ObservedEnd {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [afterMs, untilMs] = value;
  return isCount(afterMs) && (untilMs === null || (isCount(untilMs) && untilMs > 0 && untilMs >= afterMs));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
