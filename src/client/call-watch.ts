import type { StartAnswer } from '../protocols/protocol.js';
import type { Outcome } from '../types.js';
import type { AwaitEvent } from './events.js';

/** How a call ended for its caller: with what became of the task, or with what is thrown. */
export type CallEnd =
  | {
      readonly outcome: Outcome;
      /** Whether the journal knew it already, so that nothing was sent. */
      readonly stored?: boolean;
    }
  | { readonly error: unknown };

/** Goes along with one call, from the moment when the caller makes it. */
export interface CallWatch {
  /** The call is about to be sent. @throws CircuitOpenError when it must not be */
  starting?(): void;
  hear?(event: AwaitEvent): void;
  /** The call is over. Told once; never of a task whose handle nobody waits for. */
  ended?(end: CallEnd): void;
}

/** Tells the watch of an end before there is a task to wait for, and of one from our side as soon as it comes. */
export function watchStart(
  watch: Required<CallWatch>,
  begun: Promise<StartAnswer>,
  ending: AbortSignal,
): void {
  ending.addEventListener('abort', () => watch.ended({ error: ending.reason }), { once: true });
  begun.then(
    answer => answer.kind === 'ended' && watch.ended(answer),
    error => watch.ended({ error }),
  );
}

/** One watch of many. The first that refuses a call keeps the others from hearing of its start. */
export function watchTogether(watches: readonly CallWatch[]): Required<CallWatch> {
  let over = false;
  return {
    starting() {
      for (const watch of watches) watch.starting?.();
    },
    hear(event) {
      for (const watch of watches) watch.hear?.(event);
    },
    ended(end) {
      if (over) return;
      over = true;
      for (const watch of watches) watch.ended?.(end);
    },
  };
}
