/** How long to wait between two status requests. */
export interface Pacing {
  readonly initialIntervalMs: number;
  readonly backoffMultiplier: number;
  readonly maxIntervalMs: number;
  /** Share of each interval, 0 to 1, that chance may take away. */
  readonly jitter: number;
}

/** A hint asks for patience, but no server may stall a wait: ten of our longest intervals are the most it gets. */
const HINT_LIMIT_INTERVALS = 10;

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
 * Milliseconds until the next status request. A usable hint decides and is never undercut; otherwise exponential
 * backoff: `initialIntervalMs × backoffMultiplier ^ attempt`, capped at `maxIntervalMs`, less the jitter.
 */
export function nextDelay({ attempt, hintMs, pacing, random }: NextDelayInput): number {
  if (isUsableHint(hintMs)) {
    return Math.min(hintMs * (1 + pacing.jitter * random()), pacing.maxIntervalMs * HINT_LIMIT_INTERVALS);
  }
  return backoffDelay(attempt, pacing) * (1 - pacing.jitter * random());
}

/** The interval after `attempt` answers, before jitter: with the defaults 1, 2, 4, 8, 16, 30, 30 … seconds. */
export function backoffDelay(attempt: number, pacing: Pacing): number {
  return Math.min(pacing.initialIntervalMs * pacing.backoffMultiplier ** attempt, pacing.maxIntervalMs);
}

/** A hint of 0, NaN or less would be a busy loop; it is no hint. */
function isUsableHint(hintMs: number | undefined): hintMs is number {
  return hintMs !== undefined && Number.isFinite(hintMs) && hintMs > 0;
}
