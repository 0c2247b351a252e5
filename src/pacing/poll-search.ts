import { type DurationEstimate, runningSums } from './duration-estimate.js';
import { leastInterval, type Pacing } from './next-delay.js';

/** An estimate, with moments close enough to each other where tasks end. */
export interface DurationGrid {
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

export function durationGrid({ boundsMs, shares }: DurationEstimate): DurationGrid {
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
export function cheapestPolls(
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
