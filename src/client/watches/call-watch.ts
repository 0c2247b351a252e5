import type { Outcome } from '../../types.js';
import type { AwaitEvent } from '../events.js';

/** How a call ended for its caller: with what became of the task, or with what is thrown. */
export type CallEnd =
  | {
      readonly outcome: Outcome;
      /** Whether the journal knew it already, so that nothing was sent. */
      readonly stored?: boolean;
    }
  | { readonly error: unknown };

/** Observes one call from the moment when the caller makes it. */
export interface CallWatch {
  /** Added to `_meta` of every request of the call. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /** The call is about to be sent. @throws CircuitOpenError when it must not be */
  starting?(): void;
  hear?(event: AwaitEvent): void;
  /** The call is over. Called once; never for a task whose handle has no waiting caller. */
  ended?(end: CallEnd): void;
}

/** Combines many watches. After the first that refuses a call, the others are not told of its start. */
export class CallWatches implements Required<CallWatch> {
  readonly #watches: readonly CallWatch[];
  readonly meta: Readonly<Record<string, unknown>>;
  #over = false;

  constructor(watches: readonly CallWatch[]) {
    this.#watches = watches;
    this.meta = Object.assign({}, ...watches.map(({ meta }) => meta));
  }

  starting(): void {
    for (const watch of this.#watches) watch.starting?.();
  }

  hear(event: AwaitEvent): void {
    for (const watch of this.#watches) watch.hear?.(event);
  }

  ended(end: CallEnd): void {
    if (this.#over) return;
    this.#over = true;
    for (const watch of this.#watches) watch.ended?.(end);
  }
}
