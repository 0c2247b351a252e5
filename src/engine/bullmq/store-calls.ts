import pRetry from 'p-retry';
import { sleep } from '../../time/sleep.js';
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
    const { label, isConnectionError } = this.#options;
    const tooLate = new StoreFailure(
      `The store ${label} did not answer within ${PATIENCE_MS / 1000} s. Check that it is running, and try again.`,
    );
    const ended = new AbortController();
    const retry = pRetry(call, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: FIRST_PAUSE_MS,
      maxTimeout: LONGEST_PAUSE_MS,
      signal: ended.signal,
      shouldRetry: ({ error }) => isConnectionError(error),
    });
    const timeLimit = sleep(PATIENCE_MS, ended.signal).then(() => {
      throw tooLate;
    });
    try {
      return await Promise.race([retry, timeLimit]);
    } catch (cause) {
      if (cause === tooLate) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new StoreFailure(`The store ${label} refused: ${reason}`, { cause });
    } finally {
      ended.abort();
      // Whichever of the two lost ends now, and nobody listens to it.
      retry.catch(() => {});
      timeLimit.catch(() => {});
    }
  }
}
