const SHORTEST_MS = 1000;
const LONGEST_MS = 30_000;

/**
 * When to ask again about a task of this age, both in milliseconds: as long as it has taken so far, so that the
 * intervals double as in exponential backoff, whoever asks and however often.
 */
export function pollAfterMs(ageMs: number): number {
  return Math.min(Math.max(Math.round(ageMs), SHORTEST_MS), LONGEST_MS);
}
