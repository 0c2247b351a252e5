import pRetry from 'p-retry';
import { sleep } from '../time/sleep.js';

export interface RetryOptions {
  /** Most repetitions after the first failure. */
  readonly retries: number;
  readonly signal: AbortSignal;
  /** Whether the same request may succeed when it is sent again. */
  readonly isTransient: (error: unknown) => boolean;
  readonly onFailure: (error: unknown, retriesLeft: number) => void;
  /** Milliseconds that the server asked to wait before the request is sent again. */
  readonly retryAfterMs?: ((error: unknown) => number | undefined) | undefined;
}

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;
/** No server may stall a wait. */
const MAX_WISH_MS = 300_000;

/**
 * Sends one request that is safe to repeat until it is answered. Failures have this budget of their own: answers
 * that say "still running" never spend it.
 * @throws the last error when the budget is spent or the error is not transient; the signal's reason on abort.
 */
export async function retryRequest<Answer>(
  send: () => Promise<Answer>,
  options: RetryOptions,
): Promise<Answer> {
  const { signal } = options;
  signal.throwIfAborted();
  let answer: Answer;
  try {
    answer = await send();
  } catch (error) {
    // Most requests are answered at once, and need none of the machinery.
    return repeat(error, send, options);
  }
  signal.throwIfAborted();
  return answer;
}

function repeat<Answer>(
  firstError: unknown,
  send: () => Promise<Answer>,
  options: RetryOptions,
): Promise<Answer> {
  const { retries, signal, isTransient, onFailure, retryAfterMs } = options;
  const attempt = (number: number) => (number === 1 ? Promise.reject(firstError) : send());
  return pRetry(number => attempt(number).catch(toRetriable), {
    retries,
    minTimeout: FIRST_RETRY_MS,
    maxTimeout: MAX_RETRY_MS,
    randomize: true,
    signal,
    shouldRetry: ({ error }) => isTransient(unwrap(error)),
    async onFailedAttempt({ error, retriesLeft }) {
      const failure = unwrap(error);
      onFailure(failure, retriesLeft);
      const wishedMs = retryAfterMs?.(failure) ?? 0;
      if (wishedMs > 0 && retriesLeft > 0 && isTransient(failure))
        await sleep(Math.min(wishedMs, MAX_WISH_MS), signal);
    },
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
