import { atMost, TimeLimitError } from '../../time/at-most.js';
import { formatDuration } from '../../time/duration.js';
import { errorFacts } from '../error-report.js';

/** What one check has found. */
export interface Finding {
  /** What was looked at. */
  readonly check: string;
  readonly status: 'ok' | 'warning' | 'failed';
  /** One sentence. */
  readonly says: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** A check that ends, whatever it waits for. */
export async function bounded(
  check: string,
  timeoutMs: number,
  look: () => Promise<Finding>,
): Promise<Finding> {
  try {
    return await atMost(look(), timeoutMs);
  } catch (error) {
    const says =
      error instanceof TimeLimitError
        ? `no answer within ${formatDuration(timeoutMs)}.`
        : errorFacts(error).message;
    return { check, status: 'failed', says };
  }
}
