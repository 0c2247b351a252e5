import pRetry from 'p-retry';

export interface RetryOptions {
  /** Most repetitions after the first failure. */
  readonly retries: number;
  readonly signal: AbortSignal;
  /** Whether the same request may succeed when it is sent again. */
  readonly isTransient: (error: unknown) => boolean;
  readonly onFailure: (error: unknown, retriesLeft: number) => void;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

/**
 * Sends one request that is safe to repeat until it is answered. Failures have this budget of their own: answers
 * that say "still running" never spend it.
 * @throws the last error when the budget is spent or the error is not transient; the signal's reason on abort.
 */
export function retryRequest<Answer>(send: () => Promise<Answer>, options: RetryOptions): Promise<Answer> {
  const { retries, signal, isTransient, onFailure } = options;
  return pRetry(() => send().catch(toRetriable), {
    retries,
    minTimeout: FIRST_RETRY_MS,
    maxTimeout: LONGEST_RETRY_MS,
    randomize: true,
    signal,
    shouldRetry: ({ error }) => isTransient(unwrap(error)),
    onFailedAttempt: ({ error, retriesLeft }) => onFailure(unwrap(error), retriesLeft),
  }).catch(error => {
    throw unwrap(error);
  });
}

/** p-retry decides on TypeErrors and non-errors by itself; in this wrapper only `isTransient` does. */
class RequestFailure extends Error {}

function toRetriable(cause: unknown): never {
  throw new RequestFailure('request failed', { cause });
}

function unwrap(error: unknown): unknown {
  return error instanceof RequestFailure ? error.cause : error;
}
