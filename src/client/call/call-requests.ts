import { TaskNotFoundError } from '../../errors.js';
import { retryRequest } from '../../pacing/retry-request.js';
import type { Exchange, Port, StartAnswer, ToolPlan } from '../../protocols/protocol.js';
import { laterSignal, neverAborts } from '../../time/signals.js';
import type { TaskReference, ToolCall } from '../../types.js';
import type { RunContext } from '../client-services.js';
import * as explain from '../faults/explain.js';
import { isTransient, isTurnedAway, mayStartAgain, retryAfterMsOf } from '../faults/failure.js';
import type { TimedAnswer } from '../waiting/poll-scheduler.js';
import type { RunningTask, TaskState } from './task-state.js';

/** How long a server has to say whether it makes a task of a call. */
export const SOON_MS = 5000;

/** How long after its start a task may be unknown to its own server. */
const UNKNOWN_AT_FIRST_MS = 10_000;

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
  /** What every request of the call has in common. */
  readonly exchange: Exchange;

  constructor(options: CallRequestsOptions) {
    this.#options = options;
    const { context, state, signal, idempotencyKey } = options;
    const { services, wait, watch } = context;
    this.exchange = {
      port: watch.meta === undefined ? services.port : portWithMeta(services.port, watch.meta),
      signal,
      requestTimeoutMs: wait.requestTimeoutMs,
      silenceTimeoutMs: wait.silenceTimeoutMs,
      holdMs: 0,
      idempotencyKey,
      onProgress: progress => state.observeProgress(progress),
    };
  }

  /**
   * Sends the start when it is its turn. The start of a task outlives the wait for it, since a job whose answer nobody
   * took would be lost: `onLate` gets an answer that comes when the wait is over.
   */
  async start(call: ToolCall, plan: ToolPlan, onLate: (answer: StartAnswer) => void): Promise<StartAnswer> {
    const { context, signal } = this.#options;
    const { watch, wait } = context;
    const { ready, scheduler, startLimiter, holdLimiter } = context.services;
    watch.starting();
    const { startKind, holdsStart = false } = plan;
    // Whether it has an end of its own is known when it comes; one that is not over soon is not waited for.
    using later = startKind === 'unknown' ? laterSignal(signal, SOON_MS) : undefined;
    const isLong = startKind !== 'task';
    const send = async () => {
      using hold = holdsStart && wait.inlineWaitMs > 0 ? holdLimiter.take() : undefined;
      // A start that waits for its turn is not sent any more when the wait is over. One that the server holds keeps no other waiting.
      using _permit =
        isLong || hold !== undefined
          ? undefined
          : (startLimiter.take() ?? (await startLimiter.enter(signal)));
      const connecting = ready?.(signal);
      if (connecting !== undefined) await connecting;
      const pause = scheduler.ready(signal);
      if (pause !== undefined) await pause;
      const startSignal = startKind === 'blocking' ? signal : (later?.signal ?? neverAborts);
      const holdMs = hold === undefined ? 0 : wait.inlineWaitMs;
      const answer = await plan.start(call, { ...this.exchange, signal: startSignal, holdMs });
      if (signal.aborted) onLate(answer);
      return answer;
    };
    return await this.retry(send, error => mayStartAgain(error, plan));
  }

  /** The answer to one status request, which is sent in its turn, again until it is answered. */
  async poll({ protocol, reference }: RunningTask, holdMs: number): Promise<TimedAnswer> {
    const { context, state, signal } = this.#options;
    const { scheduler } = context.services;
    const due = { protocol, handle: reference.handle, exchange: { ...this.exchange, holdMs } };
    try {
      return await this.retry(() => scheduler.poll(due));
    } catch (error) {
      throw signal.aborted ? signal.reason : explain.pollFailure(error, state.facts);
    }
  }

  /** Whether a request about the task may succeed when it is sent again; a server may not know at once of what it has just started. */
  readonly #mayRepeat = (error: unknown): boolean =>
    isTransient(error) || (error instanceof TaskNotFoundError && isYoung(this.#options.state.reference));

  /** Repeats a request within its budget. @throws the last error, or the signal's reason */
  retry<Answer>(
    send: () => Promise<Answer>,
    mayRepeat = this.#mayRepeat,
    signal = this.#options.signal,
  ): Promise<Answer> {
    const { context } = this.#options;
    return retryRequest(send, {
      retries: context.wait.requestRetries,
      signal,
      isTransient: error => !signal.aborted && mayRepeat(error),
      retryAfterMs: retryAfterMsOf,
      onFailure: (error, retriesLeft) => {
        if (isTurnedAway(error)) context.services.scheduler.pause(retryAfterMsOf(error));
        if (signal.aborted) return;
        context.watch.hear({ type: 'request-failed', tool: context.tool, error, retriesLeft });
      },
    });
  }

  /** A cancel is sent even after the end of the wait, as long as the client is open. */
  cancelTask({ protocol, reference }: RunningTask): Promise<void> {
    const exchange = { ...this.exchange, signal: neverAborts };
    const { closed } = this.#options.context.services.openRuns;
    return this.retry(() => protocol.cancel(reference.handle, exchange), this.#mayRepeat, closed);
  }
}

function isYoung(reference: TaskReference | undefined): boolean {
  return (
    reference !== undefined && Math.abs(Date.now() - Date.parse(reference.startedAt)) < UNKNOWN_AT_FIRST_MS
  );
}

type Meta = Readonly<Record<string, unknown>>;

/** A port that adds to the `_meta` of every request. What a request has there already stays. */
function portWithMeta(port: Port, meta: Meta): Port {
  return {
    callTool: (call, options) => port.callTool({ ...call, _meta: { ...meta, ...call._meta } }, options),
    request: (request, schema, options) => {
      const params = (request.params ?? {}) as { readonly _meta?: Meta };
      return port.request(
        { ...request, params: { ...params, _meta: { ...meta, ...params._meta } } },
        schema,
        options,
      );
    },
  };
}
