import {
  backoffTime,
  isUsableHint,
  leastInterval,
  type NextDelayInput,
  nextDelay,
  type Pacing,
} from './next-delay.js';
import type { PollPlan } from './poll-plan.js';

export interface LearnedDelayInput extends NextDelayInput {
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
