import { retryRequest } from '../pacing/retry-request.js';
import type { Exchange, Protocol } from '../protocols/protocol.js';
import { isTransient, isTurnedAway, retryAfterMsOf } from './failure.js';
import type { RunContext } from './run-context.js';
import type { TaskState } from './task-state.js';

export interface CallRequestsOptions {
  readonly context: RunContext;
  readonly state: TaskState;
  /** Aborts when the wait is over. */
  readonly signal: AbortSignal;
  readonly idempotencyKey: string | undefined;
}

/** How the requests of one call are sent: with what, and how often when they fail. */
export class CallRequests {
  readonly #options: CallRequestsOptions;

  constructor(options: CallRequestsOptions) {
    this.#options = options;
  }

  exchange(signal = this.#options.signal): Exchange {
    const { context, state, idempotencyKey } = this.#options;
    const { port, wait } = context;
    return {
      port,
      signal,
      requestTimeoutMs: wait.requestTimeoutMs,
      silenceTimeoutMs: wait.silenceTimeoutMs,
      holdMs: 0,
      idempotencyKey,
      onProgress: progress => state.observeProgress(progress),
    };
  }

  /** Repeats a request within its budget. @throws the last error, or the signal's reason */
  retry<Answer>(
    send: () => Promise<Answer>,
    mayRepeat = isTransient,
    signal = this.#options.signal,
  ): Promise<Answer> {
    const { context } = this.#options;
    return retryRequest(send, {
      retries: context.wait.requestRetries,
      signal,
      isTransient: error => !signal.aborted && mayRepeat(error),
      retryAfterMs: retryAfterMsOf,
      onFailure: (error, retriesLeft) => {
        if (isTurnedAway(error)) context.scheduler.pause(retryAfterMsOf(error));
        if (signal.aborted) return;
        context.onEvent?.({ type: 'request-failed', tool: context.tool, error, retriesLeft });
      },
    });
  }

  /** Also when the wait is over: a cancel must reach the server while there is a client. */
  cancelTask(protocol: Protocol, handle: unknown): Promise<void> {
    const exchange = this.exchange(new AbortController().signal);
    return this.retry(
      () => protocol.cancel(handle, exchange),
      isTransient,
      this.#options.context.openRuns.closed,
    );
  }
}
