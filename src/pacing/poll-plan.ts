import { type DurationEstimate, runningSums } from './duration-estimate.js';
import { backoffTime, leastInterval, type Pacing } from './next-delay.js';

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

/** An estimate, with moments close enough to each other where tasks end. */
interface DurationGrid {
  readonly boundsMs: readonly number[];
  /** The share that has ended by each bound. */
  readonly ended: readonly number[];
  /** The integral of `ended` up to each bound. */
  readonly area: readonly number[];
}

interface Step {
  readonly latenessMs: number;
  /** Requests in this step, for a task that runs at the beginning of the grid. */
  readonly requests: number;
}

/** No cell of the grid has a larger share, so that a request may be sent within it. */
const MAX_SHARE = 1 / 48;
/** What comes after these is left to backoff. */
const MAX_REQUESTS = 1024;

function durationGrid({ boundsMs, shares }: DurationEstimate): DurationGrid {
  const bounds = [0];
  const parts: number[] = [];
  shares.forEach((share, cell) => {
    const [from = 0, to = 0] = [boundsMs[cell], boundsMs[cell + 1]];
    const count = Math.max(1, Math.ceil(share / MAX_SHARE));
    for (let part = 1; part <= count; part++) {
      bounds.push(from + ((to - from) * part) / count);
      parts.push(share / count);
    }
  });
  const ended = runningSums(parts);
  const areas = parts.map(
    (part, cell) => ((bounds[cell + 1] ?? 0) - (bounds[cell] ?? 0)) * ((ended[cell] ?? 0) + part / 2),
  );
  return { boundsMs: bounds, ended, area: runningSums(areas) };
}

/** The requests with the least sum of expected lateness and price, from the last one backwards (dynamic programming). */
function cheapestPolls(
  grid: DurationGrid,
  { pacing, priceMs }: { readonly pacing: Pacing; readonly priceMs: number },
): { readonly timesMs: readonly number[]; readonly expectedLatenessMs: number } {
  const { boundsMs } = grid;
  const last = boundsMs.length - 1;
  const least = leastInterval(pacing);
  const costs = new Float64Array(last + 1);
  const lateness = new Float64Array(last + 1);
  const nexts = new Int32Array(last + 1).fill(last);
  for (let from = last - 1; from >= 0; from--) {
    let best = Number.POSITIVE_INFINITY;
    for (let to = from + 1; to <= last; to++) {
      if (to < last && (boundsMs[to] ?? 0) - (boundsMs[from] ?? 0) < least) continue;
      const step = stepCost(grid, pacing.maxIntervalMs, { from, to });
      const cost = step.latenessMs + step.requests * priceMs + (costs[to] ?? 0);
      if (cost < best) {
        best = cost;
        nexts[from] = to;
        lateness[from] = step.latenessMs + (lateness[to] ?? 0);
      }
      // It only grows from here.
      if (step.latenessMs > best) break;
    }
    costs[from] = best;
  }
  return { timesMs: timesOf(boundsMs, nexts, pacing), expectedLatenessMs: lateness[0] ?? 0 };
}

/** From one request to the next; in equal parts where that is longer than the longest interval. */
function stepCost(
  { boundsMs, ended, area }: DurationGrid,
  maxIntervalMs: number,
  { from, to }: { readonly from: number; readonly to: number },
): Step {
  const gapMs = (boundsMs[to] ?? 0) - (boundsMs[from] ?? 0);
  const endedBefore = ended[from] ?? 0;
  if (gapMs <= maxIntervalMs) {
    return {
      latenessMs: (area[to] ?? 0) - (area[from] ?? 0) - endedBefore * gapMs,
      requests: 1 - endedBefore,
    };
  }
  // As if the tasks ended evenly among the parts.
  const count = Math.ceil(gapMs / maxIntervalMs);
  const ending = (ended[to] ?? 1) - endedBefore;
  return {
    latenessMs: (ending * gapMs) / count / 2,
    requests: count * (1 - endedBefore) - ((count - 1) * ending) / 2,
  };
}

function timesOf(
  boundsMs: readonly number[],
  nexts: Int32Array,
  { maxIntervalMs }: Pacing,
): readonly number[] {
  const times: number[] = [];
  for (let at = 0; at < boundsMs.length - 1; ) {
    const next = nexts[at] ?? boundsMs.length - 1;
    const [fromMs = 0, toMs = 0] = [boundsMs[at], boundsMs[next]];
    const count = Math.ceil((toMs - fromMs) / maxIntervalMs);
    for (let part = 1; part <= count && times.length < MAX_REQUESTS; part++) {
      times.push(fromMs + ((toMs - fromMs) * part) / count);
    }
    at = next;
  }
  return times;
}
