const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The waits after each attempt that failed, as Standard Webhooks suggests them: eight attempts within some 18 hours. */
export const RETRY_DELAYS_MS: readonly number[] = [
  5 * SECOND_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
];

/** No receiver puts us off for longer. */
const MAX_WISH_MS = 10 * HOUR_MS;
/** Up to so much of a wait is added to it, so that many messages to one receiver that was down come spread out. */
const JITTER = 0.2;

export interface RetryFacts {
  /** The number of the attempt that failed, from 1. */
  readonly attempt: number;
  readonly delaysMs: readonly number[];
  /** How long the receiver has asked to wait. */
  readonly retryAfterMs: number | undefined;
  /** From 0 to 1. */
  readonly random: number;
}

/** How long to wait for the next attempt; undefined when there is none. */
export function retryDelayMs({
  attempt,
  delaysMs,
  retryAfterMs = 0,
  random,
}: RetryFacts): number | undefined {
  const planned = delaysMs[attempt - 1];
  if (planned === undefined) return undefined;
  const wished = Math.min(retryAfterMs, MAX_WISH_MS);
  return Math.round(Math.max(planned, wished) * (1 + JITTER * random));
}
