import pRetry from 'p-retry';
import { atMost, TimeLimitError } from '../time/at-most.js';
import { StoreFailure } from './store-failure.js';

const PATIENCE_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1000;

export interface StoreCallsOptions {
  /** The store's URL without credentials. */
  readonly label: string;
  /** Whether trying again may help. */
  readonly isConnectionError: (error: unknown) => boolean;
  /** What to do about an error, as a sentence without its full stop. */
  readonly advice?: ((error: unknown) => string | undefined) | undefined;
  /** How long a call may take, in milliseconds. @default 10000 */
  readonly patienceMs?: number | undefined;
}

/**
 * Makes calls to a store that may be restarted at any moment: they wait for it to come back. Each call must do no harm
 * when it is made twice.
 */
export class StoreCalls {
  readonly #options: StoreCallsOptions;
  readonly #patienceMs: number;

  constructor(options: StoreCallsOptions) {
    this.#options = options;
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS;
  }

  /** @throws StoreFailure when the store refuses, or does not answer in time */
  async make<Value>(call: () => Promise<Value>): Promise<Value> {
    const deadline = performance.now() + this.#patienceMs;
    let lastError: unknown;
    const noting = () =>
      call().catch(error => {
        lastError = error;
        throw error;
      });
    return atMost(this.#tryUntil(deadline, noting), this.#patienceMs).catch(cause => {
      throw this.#failure(cause, cause instanceof TimeLimitError ? lastError : cause);
    });
  }

  /**
   * Waits for the answer as long as it takes: a call that was given up may still reach the store, and what it brings
   * along would be lost.
   * @throws StoreFailure when the store refuses
   */
  async insist<Value>(call: () => Promise<Value>): Promise<Value> {
    return this.#tryUntil(Number.POSITIVE_INFINITY, call).catch(cause => {
      throw this.#failure(cause);
    });
  }

  /** Nearly every call needs one try only: the machinery for more is not set up before the first has failed. */
  #tryUntil<Value>(deadline: number, call: () => Promise<Value>): Promise<Value> {
    return call().catch(error => this.#tryAgain(call, { error, deadline }));
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
      maxTimeout: MAX_PAUSE_MS,
      maxRetryTime: remainingMs,
      shouldRetry: failed => isConnectionError(failed.error),
    });
  }

  /** Whether a call failed because the store could not be reached. */
  isAway(cause: unknown): boolean {
    return cause instanceof TimeLimitError || this.#options.isConnectionError(cause);
  }

  /** Whether a call has failed because the store did not want what it was given. */
  readonly isRefusal = (error: unknown): boolean =>
    error instanceof StoreFailure && !this.isAway(error.cause);

  /** @param error what the store last said, where `cause` is that it took too long */
  #failure(cause: unknown, error = cause): StoreFailure {
    const { label } = this.#options;
    const advice = error === undefined ? undefined : this.#options.advice?.(error);
    if (this.isAway(cause)) {
      return new StoreFailure(
        `The store ${label} did not answer within ${this.#patienceMs / 1000} s. ${advice ?? 'Check that it is running, and try again'}.`,
        { cause },
      );
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    const text = advice === undefined ? reason : `${reason.replace(/[.\s]+$/, '')}. ${advice}.`;
    return new StoreFailure(`The store ${label} refused: ${text}`, { cause });
  }
}
