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

const finding =
  (status: Finding['status']) =>
  (check: string, says: string, remedy?: string): Finding => ({
    check,
    status,
    says,
    ...(remedy !== undefined && { remedy }),
  });

export const ok = finding('ok');
export const warning = finding('warning');
export const failed = finding('failed');

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
    return failed(check, says);
  }
}
