import pRetry from 'p-retry';
import { isOperationError } from './operation.js';

const FIRST_BACKOFF_MS = 1000;

export interface RepeatOptions {
  /** How many times the work is done again at most. */
  readonly retries: number;
  readonly signal: AbortSignal;
  /** Milliseconds that are left to the task; no repetition begins after them. */
  readonly remainingMs: () => number;
}

/**
 * Does the work again, after 1 s, 2 s, 4 s …, while it fails with a retryable `OperationError` and time is left.
 * @throws the last error; the signal's reason when it aborts
 */
export async function repeatRun(work: () => Promise<unknown>, options: RepeatOptions): Promise<unknown> {
  const { retries, signal, remainingMs } = options;
  const outcome = await pRetry<{ readonly value: unknown } | { readonly error: unknown }>(
    async () => {
      try {
        return { value: await work() };
      } catch (error) {
        // What is not worth another try is none of p-retry's business: it has views of its own on some errors.
        if (!isWorthRepeating(error)) return { error };
        throw error;
      }
    },
    {
      retries,
      minTimeout: FIRST_BACKOFF_MS,
      signal,
      shouldRetry: ({ retriesConsumed }) => FIRST_BACKOFF_MS * 2 ** retriesConsumed < remainingMs(),
    },
  );
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

function isWorthRepeating(error: unknown): boolean {
  return isOperationError(error) && error.retryable === true && error.code !== 'SLA_EXCEEDED';
}
