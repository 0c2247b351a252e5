import { LightSignal, onAbort } from '../../time/signals.js';
import { startTimer } from '../../time/sleep.js';
import type { RunContext } from '../client-services.js';
import * as explain from '../faults/explain.js';
import type { TaskState } from './task-state.js';

/** The end of a wait from our side: whichever cause comes first wins, and is the `reason` of `signal`. */
export class Ending implements Disposable {
  readonly signal = new LightSignal();
  readonly #context: RunContext;
  readonly #state: TaskState;
  #release: (() => void) | undefined;
  #stopDeadline: (() => void) | undefined;
  #quiet: Disposable | undefined;

  /** @param abortReason why the wait ends when the caller's signal aborts */
  constructor(context: RunContext, state: TaskState, abortReason: (cause: unknown) => explain.EndReason) {
    this.#context = context;
    this.#state = state;
    const { signal } = context.call;
    if (signal !== undefined)
      this.#release = onAbort(signal, () => this.end(facts => abortReason(signal.reason)(facts)));
  }

  /** Ends the wait with this reason; does nothing once the task has ended. */
  end(reason: explain.EndReason): void {
    if (this.signal.aborted || this.#state.hasEnded) return;
    this.release();
    const error = reason(this.#state.facts);
    this.#context.watch.ended({ error });
    this.signal.abort(error);
  }

  /** Stops listening to the caller's signal. */
  release(): void {
    this.#release?.();
    this.#release = undefined;
  }

  /** Ends the wait at its deadline and when the client is closed, and tells of silence, until this is disposed. */
  watch(): this {
    const { services, wait } = this.#context;
    const { deadlineMs } = wait;
    const { openRuns, questions } = services;
    openRuns.endings.add(this);
    if (openRuns.closed.aborted) this.end(explain.closed);
    this.#quiet = this.#state.watchQuiet(questions.open);
    if (deadlineMs !== Number.POSITIVE_INFINITY) {
      const leftMs = Math.max(0, this.#state.begunAt + deadlineMs - performance.now());
      this.#stopDeadline = startTimer(leftMs, () =>
        this.end(facts => explain.deadlinePassed(facts, deadlineMs)),
      );
    }
    return this;
  }

  [Symbol.dispose](): void {
    this.#stopDeadline?.();
    this.#quiet?.[Symbol.dispose]();
    this.#context.services.openRuns.endings.delete(this);
  }
}
