import pRetry from 'p-retry';
import { atMost, TimeLimitError } from '../../time/at-most.js';
import { StoreFailure } from '../store-failure.js';

const PATIENCE_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;

export interface StoreCallsOptions {
  /** The store's URL without credentials. */
  readonly label: string;
  /** Whether trying again may help. */
  readonly isConnectionError: (error: unknown) => boolean;
}

/**
 * Makes calls to a store that may be restarted at any moment: for ten seconds, they wait for it to come back. Each
 * call must do no harm when it is made twice.
 */
export class StoreCalls {
  readonly #options: StoreCallsOptions;

  constructor(options: StoreCallsOptions) {
    this.#options = options;
  }

  /** @throws StoreFailure when the store refuses, or does not answer in time */
  async make<Value>(call: () => Promise<Value>): Promise<Value> {
    const deadline = performance.now() + PATIENCE_MS;
    try {
      // Nearly every call needs one try only: the machinery for more is not set up before the first has failed.
      const answer = call().catch(error => this.#tryAgain(call, { error, deadline }));
      return await atMost(answer, PATIENCE_MS);
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  async #tryAgain<Value>(
    call: () => Promise<Value>,
    { error, deadline }: { error: unknown; deadline: number },
  ): Promise<Value> {
    const { isConnectionError } = this.#options;
    const remainingMs = deadline - performance.now();
    if (!isConnectionError(error) || remainingMs <= 0) throw error;
    return pRetry(call, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: FIRST_PAUSE_MS,
      maxTimeout: LONGEST_PAUSE_MS,
      maxRetryTime: remainingMs,
      shouldRetry: failed => isConnectionError(failed.error),
    });
  }

  #failure(cause: unknown): StoreFailure {
    const { label, isConnectionError } = this.#options;
    if (cause instanceof TimeLimitError || isConnectionError(cause)) {
      return new StoreFailure(
        `The store ${label} did not answer within ${PATIENCE_MS / 1000} s. Check that it is running, and try again.`,
        { cause },
      );
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new StoreFailure(`The store ${label} refused: ${reason}`, { cause });
  }
}
