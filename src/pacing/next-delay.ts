/** How long to wait between two status requests. */
export interface Pacing {
  readonly initialIntervalMs: number;
  readonly backoffMultiplier: number;
  readonly maxIntervalMs: number;
  /** Share of each interval, 0 to 1, that chance may take away. */
  readonly jitter: number;
}

/** No server may stall a wait: a hint is heeded up to three of our longest intervals (90 s with the defaults). */
const HINT_LIMIT_INTERVALS = 3;

/** As a share of the first interval. */
const MIN_INTERVAL = 0.1;

/** Within one observed interval. */
const SAMPLES = 8;
const MAX_COUNTED = 1000;

export interface NextDelayInput {
  /** Status requests answered so far, from 0. */
  readonly attempt: number;
  /** Milliseconds that the server asked us to wait, as it came. */
  readonly hintMs?: number | undefined;
  readonly pacing: Pacing;
  /** A number from 0 up to 1. */
  readonly random: () => number;
}

/**
 * Milliseconds until the next status request. A usable hint decides, within its limits; otherwise exponential backoff:
 * `initialIntervalMs × backoffMultiplier ^ attempt`, capped at `maxIntervalMs`, less the jitter.
 */
export function nextDelay({ attempt, hintMs, pacing, random }: NextDelayInput): number {
  if (isUsableHint(hintMs)) {
    return Math.max(capHint(hintMs * (1 + pacing.jitter * random()), pacing), leastInterval(pacing));
  }
  return backoffDelay(attempt, pacing) * (1 - pacing.jitter * random());
}

/** A usable hint, as far as it is heeded. */
export function capHint(hintMs: number, { maxIntervalMs }: Pacing): number {
  return Math.min(hintMs, maxIntervalMs * HINT_LIMIT_INTERVALS);
}

/** The interval after `attempt` answers, before jitter: with the defaults 1, 2, 4, 8, 16, 30, 30 … seconds. */
export function backoffDelay(attempt: number, pacing: Pacing): number {
  return Math.min(pacing.initialIntervalMs * pacing.backoffMultiplier ** attempt, pacing.maxIntervalMs);
}

/** When backoff sends its `count`th request, before jitter: with the defaults after 1, 3, 7, 15, 31, 61 … seconds. */
export function backoffTime(
  count: number,
  { initialIntervalMs, backoffMultiplier, maxIntervalMs }: Pacing,
): number {
  if (count <= 0) return 0;
  const first = Math.min(initialIntervalMs, maxIntervalMs);
  if (backoffMultiplier === 1) return count * first;
  const growing =
    backoffMultiplier > 1 ? Math.log(maxIntervalMs / first) / Math.log(backoffMultiplier) : count;
  const steps = Math.min(count, Math.ceil(growing));
  return (
    (first * (backoffMultiplier ** steps - 1)) / (backoffMultiplier - 1) + (count - steps) * maxIntervalMs
  );
}

/** How many requests backoff sends, in the mean, until it sees an end that lies somewhere between two moments. */
export function backoffCount([afterMs, untilMs]: readonly [number, number], pacing: Pacing): number {
  let sum = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const endMs = afterMs + ((untilMs - afterMs) * (sample + 0.5)) / SAMPLES;
    let count = 1;
    while (count < MAX_COUNTED && backoffTime(count, pacing) * (1 - pacing.jitter / 2) < endMs) count++;
    sum += count;
  }
  return sum / SAMPLES;
}

/** Requests that are planned are never nearer to each other: 0.1 s with the defaults. */
export function leastInterval({ initialIntervalMs, maxIntervalMs }: Pacing): number {
  return Math.min(initialIntervalMs * MIN_INTERVAL, maxIntervalMs);
}

/** A hint of 0, NaN or less would be a busy loop; it is no hint. */
export function isUsableHint(hintMs: number | undefined): hintMs is number {
  return hintMs !== undefined && Number.isFinite(hintMs) && hintMs > 0;
}
