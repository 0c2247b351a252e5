/**
 * When one task ended, in milliseconds after the server accepted it: after the last request that was answered
 * "running" was sent, and no later than the request that was answered "ended". `null` when nobody saw the end.
 */
export type ObservedEnd = readonly [afterMs: number, untilMs: number | null];

/** How many standard errors the slope must be away from none. */
const SIGNIFICANCE = 4;

const MIN_ENDS = 8;

/** How likely a task has ended by each of some moments; in between it is linear. */
export interface DurationEstimate {
  /** Milliseconds, from 0, rising. */
  readonly boundsMs: readonly number[];
  /** The share of tasks that end in each cell: cell `i` goes from bound `i` to bound `i + 1`. */
  readonly shares: readonly number[];
  /** The same without any doubt: of the tasks that were seen. */
  readonly seenShares: readonly number[];
  /** How many recent tasks the estimate rests on; older ones count for less. */
  readonly weight: number;
}

/** After so many further tasks an observation counts half: old enough to average, young enough to follow a change. */
const HALF_LIFE = 32;

/** As many tasks' worth of belief in "it can be anything from a quarter of the shortest to four times the longest". */
const DOUBT = 0.5;

const DOUBT_FACTOR = 4;

const CELLS_PER_DOUBLING = 3;

const ITERATIONS = 8;

/** Bounds nearer than this share of their value are one. */
const RESOLUTION = 1 / 1024;

/**
 * The distribution behind a history. An end is known only to lie between two requests, so each observation is an
 * interval, and those are weighed against each other by expectation maximisation (Turnbull 1976, with a Dirichlet
 * prior): a wide interval counts where the narrow ones are, and one without an end counts where others ran longer.
 * @returns undefined when no end was seen
 */
export function estimateDurations({
  ends: observed,
}: {
  readonly ends: readonly ObservedEnd[];
}): DurationEstimate | undefined {
  const ends = withTrend(observed, trendOf(observed));
  const seen = ends.flatMap(([, untilMs]) => (untilMs === null ? [] : [untilMs]));
  if (seen.length === 0) return undefined;
  const boundsMs = boundsOf(ends, seen);
  const spans = ends.map((end, index) => ({
    ...cellsOf(end, boundsMs),
    weight: 2 ** ((index + 1 - ends.length) / HALF_LIFE),
  }));
  const weight = spans.reduce((sum, span) => sum + span.weight, 0);
  const doubt = doubtOf(boundsMs);
  let shares: readonly number[] = doubt;
  let seenShares: readonly number[] = doubt;
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    seenShares = reweighed(shares, spans).map(share => share / weight);
    shares = seenShares.map(
      (share, cell) => (share * weight + (doubt[cell] ?? 0) * DOUBT) / (weight + DOUBT),
    );
  }
  return { boundsMs, shares, seenShares, weight };
}

/** [0, a, a + b, …] of [a, b, …]. */
export function runningSums(values: readonly number[]): readonly number[] {
  const sums = [0];
  for (const value of values) sums.push((sums.at(-1) ?? 0) + value);
  return sums;
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly weight: number;
}

/** Each span's weight, laid over its cells in proportion to their present shares. */
function reweighed(shares: readonly number[], spans: readonly Span[]): readonly number[] {
  const sums = runningSums(shares);
  const steps = new Float64Array(shares.length + 1);
  for (const { from, to, weight } of spans) {
    const factor = weight / Math.max((sums[to] ?? 0) - (sums[from] ?? 0), Number.MIN_VALUE);
    steps[from] = (steps[from] ?? 0) + factor;
    steps[to] = (steps[to] ?? 0) - factor;
  }
  let factor = 0;
  return shares.map((share, cell) => {
    factor = Math.max(0, factor + (steps[cell] ?? 0));
    return share * factor;
  });
}

function boundsOf(ends: readonly ObservedEnd[], seen: readonly number[]): readonly number[] {
  const shortest = Math.max(1, Math.min(...seen) / DOUBT_FACTOR);
  const longest = Math.max(...seen, ...ends.map(([afterMs]) => afterMs)) * DOUBT_FACTOR;
  const count = Math.ceil(Math.log2(longest / shortest) * CELLS_PER_DOUBLING);
  const regular = Array.from(
    { length: count + 1 },
    (_, step) => shortest * (longest / shortest) ** (step / count),
  );
  const bounds = [0];
  for (const bound of [...ends.flat(), ...regular].map(Number).sort((a, b) => a - b)) {
    if (bound - (bounds.at(-1) ?? 0) > bound * RESOLUTION) bounds.push(bound);
  }
  return bounds;
}

/** Every doubling is as likely as any other; what is below the first bound counts as half a one. */
function doubtOf(boundsMs: readonly number[]): readonly number[] {
  const logarithms = boundsMs.slice(1).map(Math.log);
  const parts = logarithms.map((value, cell) => value - (logarithms[cell - 1] ?? value - 0.5));
  const whole = parts.reduce((sum, part) => sum + part, 0);
  return parts.map(part => part / whole);
}

/** The cells that an end may lie in, at least one. */
function cellsOf([afterMs, untilMs]: ObservedEnd, boundsMs: readonly number[]): { from: number; to: number } {
  const last = boundsMs.length - 1;
  const from = Math.min(lastBoundUpTo(boundsMs, afterMs), last - 1);
  return { from, to: untilMs === null ? last : Math.max(lastBoundUpTo(boundsMs, untilMs), from + 1) };
}

/** The index of the last bound that is not after `timeMs`, give or take the resolution. */
function lastBoundUpTo(boundsMs: readonly number[], timeMs: number): number {
  let [low, high] = [0, boundsMs.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((boundsMs[middle] ?? 0) <= timeMs * (1 + RESOLUTION)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** How many milliseconds longer each task takes than the one before it; 0 where that may as well be chance. */
function trendOf(ends: readonly ObservedEnd[]): number {
  const points = ends.flatMap(([afterMs, untilMs], index) =>
    untilMs === null || afterMs === 0 ? [] : [{ x: index, y: (afterMs + untilMs) / 2 }],
  );
  const count = points.length;
  if (count < MIN_ENDS) return 0;
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / count;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / count;
  const squares = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / squares;
  const residual = points.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  return Math.abs(slope) > SIGNIFICANCE * Math.sqrt(residual / (count - 2) / squares) ? slope : 0;
}

/** The ends as they would be of the next task, if the trend goes on. */
function withTrend(ends: readonly ObservedEnd[], slope: number): readonly ObservedEnd[] {
  if (slope === 0) return ends;
  return ends.map(([afterMs, untilMs], index) => {
    const shift = slope * (ends.length - index);
    const after = Math.max(0, afterMs + (afterMs === 0 ? Math.min(0, shift) : shift));
    return [after, untilMs === null ? null : Math.max(1, after, untilMs + shift)];
  });
}
