import { OnDispose } from '../time/on-dispose.js';
import { onAbort } from '../time/signals.js';
import type { CommandIo } from './io.js';
import { canDraw } from './terminal.js';

/** Ctrl-C, counted: the first one asks to leave in good order, the second to leave at once. */
export interface Interrupts extends Disposable {
  readonly first: AbortSignal;
  readonly second: AbortSignal;
  /** Calls `leave` at the first Ctrl-C, at once where that has been. */
  onFirst(leave: () => void): Disposable;
}

export function watchInterrupts(io: CommandIo): Interrupts {
  const [first, second] = [new AbortController(), new AbortController()];
  const onSignal = () => (first.signal.aborted ? second : first).abort(new Error('interrupted'));
  // A terminal on which a line is drawn gets its cursor back, also where something else ends the command.
  const signals = canDraw(io) ? (['SIGINT', 'SIGTERM'] as const) : (['SIGINT'] as const);
  for (const signal of signals) io.on(signal, onSignal);
  return {
    first: first.signal,
    second: second.signal,
    onFirst: leave => new OnDispose(onAbort(first.signal, leave)),
    [Symbol.dispose]: () => {
      for (const signal of signals) io.off(signal, onSignal);
    },
  };
}
