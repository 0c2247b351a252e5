import { type DurationEstimate, runningSums } from './duration-estimate.js';
import { backoffTime, type Pacing } from './next-delay.js';
import { cheapestPolls, type DurationGrid, durationGrid } from './poll-search.js';

export interface PollPlan {
  /** When to ask, in milliseconds after the task was accepted. */
  readonly timesMs: readonly number[];
  /** Of tasks like those that were seen. */
  readonly expectedRequests: number;
  readonly expectedLatenessMs: number;
}

/** The plans on either side of a budget of requests; `generousShare` of the tasks get the generous one. */
export interface PlanPair {
  readonly thrifty: PollPlan;
  readonly generous: PollPlan;
  readonly generousShare: number;
}

/** A request must save at least this share of the first interval in lateness: 50 ms with the defaults. */
const MIN_GAIN = 0.05;
const BISECTIONS = 12;
/** A task that outruns nearly all that were seen need not cost a further request. */
const TOLERATED_REQUESTS = 0.01;
/** Over so many tasks, what was saved or overspent before is settled. */
const SETTLED_OVER = 16;
/** Far more than are ever sent: a bound for strange settings. */
const MAX_BACKOFF_REQUESTS = 4096;

/**
 * When to ask so that the end is seen as early as may be, for no more requests than backoff would send: the inspection
 * problem (Barlow, Hunter and Proschan 1963). A price turns requests into milliseconds; bisection finds the prices on
 * either side of the budget, and chance between their plans meets it in the mean, which also tries what is unknown.
 */
export function planPolls(estimate: DurationEstimate, pacing: Pacing, budget: number): PlanPair {
  const grid = durationGrid(estimate);
  const planAt = (priceMs: number) => pricedPlan(grid, estimate, { pacing, priceMs });
  let low = Math.min(pacing.initialIntervalMs, pacing.maxIntervalMs) * MIN_GAIN;
  let high = pacing.maxIntervalMs;
  let generous = planAt(low);
  if (generous.expectedRequests <= budget) return { thrifty: generous, generous, generousShare: 1 };
  let thrifty = planAt(high);
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = Math.sqrt(low * high);
    const plan = planAt(middle);
    if (plan.expectedRequests <= budget) [high, thrifty] = [middle, plan];
    else [low, generous] = [middle, plan];
  }
  const room = budget - thrifty.expectedRequests;
  const generousShare = Math.max(
    0,
    Math.min(room / (generous.expectedRequests - thrifty.expectedRequests), 1),
  );
  return { thrifty, generous, generousShare: Number.isFinite(generousShare) ? generousShare : 0 };
}

/**
 * What backoff would send for tasks like these, less some caution while few were seen, and settled with what was saved
 * or overspent so far. Tasks that backoff sees with its first request leave nothing to try with: the first few of them
 * may cost a little more, or nobody would ever ask earlier.
 */
export function requestBudget(estimate: DurationEstimate, pacing: Pacing, saved: number): number {
  const backoff = expectedRequests(estimate, backoffTimes(pacing, estimate.boundsMs.at(-1) ?? 0));
  const caution = Math.min(backoff - 1, 3) / (3 + estimate.weight);
  const trial = 1 / (1 + estimate.weight) - 0.05;
  return 1 + Math.max(TOLERATED_REQUESTS, backoff - 1 - caution + saved / SETTLED_OVER, trial);
}

/** How many of these requests a task like those that were seen takes: each is sent if it still ran at the one before. */
export function expectedRequests(
  { boundsMs, seenShares }: Pick<DurationEstimate, 'boundsMs' | 'seenShares'>,
  timesMs: readonly number[],
): number {
  const ended = runningSums(seenShares);
  let expected = 1;
  let cell = 0;
  for (const timeMs of timesMs) {
    while (cell < seenShares.length && (boundsMs[cell + 1] ?? 0) <= timeMs) cell++;
    if (cell === seenShares.length) break;
    const [from = 0, to = 1] = [boundsMs[cell], boundsMs[cell + 1]];
    const endedInCell = ((seenShares[cell] ?? 0) * (timeMs - from)) / (to - from);
    expected += Math.max(0, 1 - (ended[cell] ?? 0) - endedInCell);
  }
  return expected;
}

function pricedPlan(
  grid: DurationGrid,
  estimate: DurationEstimate,
  { pacing, priceMs }: { readonly pacing: Pacing; readonly priceMs: number },
): PollPlan {
  const { timesMs, expectedLatenessMs } = cheapestPolls(grid, { pacing, priceMs });
  return { timesMs, expectedLatenessMs, expectedRequests: expectedRequests(estimate, timesMs) };
}

function backoffTimes(pacing: Pacing, untilMs: number): readonly number[] {
  const times: number[] = [];
  while (times.length < MAX_BACKOFF_REQUESTS && (times.at(-1) ?? 0) < untilMs) {
    times.push(backoffTime(times.length + 1, pacing) * (1 - pacing.jitter / 2));
  }
  return times;
}
