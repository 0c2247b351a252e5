import { onDispose } from '../../time/on-dispose.js';
import { onAbort } from '../../time/signals.js';
import { startTimer } from '../../time/sleep.js';
import type { RunContext } from '../client-services.js';
import * as explain from '../faults/explain.js';
import type { TaskState } from './task-state.js';

/** The end of a wait from our side: whichever cause comes first wins, and is the `reason` of `signal`. */
export class Ending {
  readonly #controller = new AbortController();
  readonly #context: RunContext;
  readonly #state: TaskState;
  #release: (() => void) | undefined;

  constructor(context: RunContext, state: TaskState) {
    this.#context = context;
    this.#state = state;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the wait with this reason; does nothing once the task has ended. */
  end(reason: explain.EndReason): void {
    if (this.signal.aborted || this.#state.hasEnded) return;
    this.release();
    const error = reason(this.#state.facts);
    this.#context.watch.ended({ error });
    this.#controller.abort(error);
  }

  /** Lets the caller's signal end the wait, from now until it has ended or is released. */
  listen(reasonOf: (cause: unknown) => explain.EndReason): void {
    const { signal } = this.#context.call;
    if (signal === undefined) return;
    this.#release = onAbort(signal, () => this.end(facts => reasonOf(signal.reason)(facts)));
  }

  /** Stops listening to the caller's signal. */
  release(): void {
    this.#release?.();
    this.#release = undefined;
  }

  /** Ends the wait at its deadline and when the client is closed, and tells of silence, until it is disposed. */
  watch(): Disposable {
    const { services, wait } = this.#context;
    const open = services.openRuns.add(this);
    const quiet = this.#state.watchQuiet(services.questions.open);
    const stopDeadline = this.#startDeadline(wait.deadlineMs);
    return onDispose(() => {
      stopDeadline?.();
      quiet[Symbol.dispose]();
      open[Symbol.dispose]();
    });
  }

  #startDeadline(deadlineMs: number): (() => void) | undefined {
    if (deadlineMs === Number.POSITIVE_INFINITY) return undefined;
    const leftMs = Math.max(0, this.#state.begunAt + deadlineMs - performance.now());
    return startTimer(leftMs, () => this.end(facts => explain.deadlinePassed(facts, deadlineMs)));
  }
}
