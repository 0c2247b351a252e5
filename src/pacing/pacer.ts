import type { Progress } from '../types.js';
import type { DurationMemory } from './duration-memory.js';
import {
  backoffCount,
  backoffTime,
  capHint,
  isUsableHint,
  leastInterval,
  type NextDelayInput,
  nextDelay,
  type Pacing,
} from './next-delay.js';
import type { PollPlan } from './poll-plan.js';
import { ProgressForecast } from './progress-forecast.js';

interface LearnedDelayInput extends NextDelayInput {
  /** Undefined when too little is known. */
  readonly plan: PollPlan | undefined;
  /** Milliseconds since the server accepted the task. */
  readonly elapsedMs: number;
}

/** A task gets at most so many requests more than backoff would have sent by then: `maxAttempts` must last. */
const REQUESTS_AHEAD = 8;

/**
 * Milliseconds until the next status request. Without a plan it is `nextDelay`. Otherwise the next moment of the plan,
 * and after its last one, backoff as it would be at this age. A usable hint is never undercut; a plan that has nothing
 * to ask earlier may lengthen it. No interval is longer than `maxIntervalMs`, save for a hint.
 */
export function learnedDelay(input: LearnedDelayInput): number {
  const { plan, elapsedMs, attempt, hintMs, pacing, random } = input;
  if (plan === undefined) return nextDelay(input);
  const leastMs = isUsableHint(hintMs) ? nextDelay(input) : leastInterval(pacing);
  const evenMs = backoffTime(attempt + 1 - REQUESTS_AHEAD, pacing) * (1 - pacing.jitter) - elapsedMs;
  // Chance may cost a share of the lateness that is expected anyway; a share of the interval would miss the end.
  const chanceMs = plan.expectedLatenessMs * pacing.jitter * random();
  const wantedMs = Math.max(evenMs, plannedDelay(plan, elapsedMs, pacing) + chanceMs);
  return Math.max(leastMs, Math.min(wantedMs, pacing.maxIntervalMs));
}

function plannedDelay({ timesMs }: PollPlan, elapsedMs: number, pacing: Pacing): number {
  const next = timesMs.find(timeMs => timeMs > elapsedMs);
  if (next !== undefined) return next - elapsedMs;
  const { initialIntervalMs, backoffMultiplier, jitter } = pacing;
  return (initialIntervalMs + elapsedMs * Math.max(0, backoffMultiplier - 1)) * (1 - jitter);
}

/** What the server asks of the next request, in milliseconds as it came. */
export interface Wishes {
  readonly hintMs?: number | undefined;
  /** The least time until then. */
  readonly leastMs?: number | undefined;
}

/** The request that comes next. */
export interface PlannedRequest {
  readonly hintMs: number | undefined;
  /** The sleep before it, in milliseconds. */
  readonly delayMs: number;
  /** Whether the delay follows a wish of the server. */
  readonly isHinted: boolean;
}

/** Says when one wait asks next, and may learn from when it was answered. */
export interface Pacer extends Disposable {
  /** When to send the next request, after `attempt` answers and with the wishes of the last one. */
  next(attempt: number, wishes?: Wishes): PlannedRequest;
  /**
   * A request was answered: the task is running (and how far it is, if that was told), has ended by itself, or was cut short.
   * @param askedAt when the request was sent: milliseconds on the clock of `performance.now()`
   */
  answered(state: 'running' | 'ended' | 'cancelled', askedAt: number, progress?: Progress): void;
  /** The server holds answers back from now on, which tell no duration. */
  stopLearning(): void;
}

function heedWishes(ownMs: number, { hintMs, leastMs }: Wishes, pacing: Pacing): PlannedRequest {
  const minMs = isUsableHint(leastMs) ? capHint(leastMs, pacing) : 0;
  return {
    hintMs,
    delayMs: Math.max(ownMs, minMs),
    isHinted: isUsableHint(hintMs) || minMs > ownMs,
  };
}

export interface LearningPacerOptions {
  readonly memory: DurationMemory;
  /** Names the server and the tool. */
  readonly key: string;
  readonly pacing: Pacing;
  /** How old the task is when its wait begins, in milliseconds; 0 when it is not known. */
  readonly ageMs: number;
  /** Whether the task was seen from its beginning; if not, an end before the first answer tells nothing. */
  readonly fromStart: boolean;
  readonly random?: () => number;
  /** Milliseconds on a clock that never goes back. @default performance */
  readonly clock?: { now(): number };
}

/** Backoff or the server's hint: see `nextDelay`. */
export function backoffPacer(pacing: Pacing, random: () => number = Math.random): Pacer {
  return {
    next: (attempt, wishes = {}) =>
      heedWishes(nextDelay({ attempt, hintMs: wishes.hintMs, pacing, random }), wishes, pacing),
    answered() {},
    stopLearning() {},
    [Symbol.dispose]() {},
  };
}

/**
 * Asks when earlier tasks suggest it, or sooner where the progress of this one says that its end is near, and remembers
 * this one. A hint of the server is left alone. What counts is when requests were sent: the task ended
 * between the last one answered "running" and the one answered "ended", which holds more than any one moment, since
 * the moment of the answer is late by the very interval that is to be learned. Of a task that was cancelled, or whose
 * wait ended first, it is known that it would have run longer.
 */
export class LearningPacer implements Pacer {
  readonly #options: LearningPacerOptions;
  readonly #clock: { now(): number };
  readonly #plan: PollPlan | undefined;
  readonly #acceptedAt: number;
  #runningMs = 0;
  #requests = 0;
  #forecast: ProgressForecast | undefined;
  #over = false;

  constructor(options: LearningPacerOptions) {
    const { memory, key, pacing, ageMs } = options;
    this.#options = options;
    this.#clock = options.clock ?? performance;
    this.#acceptedAt = this.#clock.now() - ageMs;
    this.#plan = memory.plan(key, pacing, options.random ?? Math.random);
  }

  next(attempt: number, wishes: Wishes = {}): PlannedRequest {
    const { pacing, random = Math.random } = this.#options;
    const { hintMs } = wishes;
    const elapsedMs = this.#clock.now() - this.#acceptedAt;
    const delayMs = learnedDelay({ plan: this.#plan, elapsedMs, attempt, hintMs, pacing, random });
    const forecastMs = isUsableHint(hintMs) ? undefined : this.#forecast?.delay(attempt, elapsedMs);
    return heedWishes(Math.min(delayMs, forecastMs ?? delayMs), wishes, pacing);
  }

  answered(state: 'running' | 'ended' | 'cancelled', askedAt: number, progress?: Progress): void {
    const askedMs = askedAt - this.#acceptedAt;
    this.#requests++;
    if (progress !== undefined) {
      this.#forecast ??= new ProgressForecast(this.#options.pacing);
      this.#forecast.observe(progress, this.#clock.now() - this.#acceptedAt);
    }
    if (state === 'running') this.#runningMs = askedMs;
    else if (!this.#over) this.#conclude(state === 'ended' ? askedMs : null);
  }

  stopLearning(): void {
    this.#over = true;
  }

  [Symbol.dispose](): void {
    if (!this.#over) this.#conclude(null);
  }

  #conclude(endedMs: number | null): void {
    const { memory, key, pacing, fromStart } = this.#options;
    this.#over = true;
    const runningMs = this.#runningMs;
    if (runningMs === 0 && !fromStart) return;
    const requestsOfBackoff =
      endedMs === null || !fromStart ? this.#requests : backoffCount([runningMs, endedMs], pacing);
    memory.learn(key, { end: [runningMs, endedMs], saved: requestsOfBackoff - this.#requests });
  }
}
