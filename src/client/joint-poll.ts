import { setMaxListeners } from 'node:events';
import type { Exchange, PollAnswer, PollGroup, Protocol } from '../protocols/protocol.js';

/** One status request of one wait. */
export interface DuePoll {
  readonly protocol: Protocol;
  readonly handle: unknown;
  readonly exchange: Exchange;
  /** Called when it goes out. */
  readonly onSend: () => void;
}

/** Polls of the same group can be asked in one request; undefined for one that is asked alone. */
export function groupOf({ protocol, handle, exchange }: DuePoll): PollGroup | undefined {
  // An answer that the server holds back is for one task.
  return exchange.holdMs > 0 ? undefined : protocol.many?.groupOf(handle);
}

/**
 * One request for the state of many tasks of a group. It ends early only when all their waits have ended.
 * @returns an answer for each: its state, its own error, or undefined where it must be asked alone
 */
export async function askTogether(
  polls: readonly DuePoll[],
): Promise<readonly (PollAnswer | Error | undefined)[]> {
  const [first] = polls;
  if (first?.protocol.many === undefined) return [];
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  let awaited = polls.length;
  const leave = () => {
    awaited--;
    if (awaited === 0) controller.abort(first.exchange.signal.reason);
  };
  for (const { exchange } of polls) exchange.signal.addEventListener('abort', leave, { once: true });
  try {
    const handles = polls.map(({ handle }) => handle);
    return await first.protocol.many.poll(handles, { ...first.exchange, signal: controller.signal });
  } finally {
    for (const { exchange } of polls) exchange.signal.removeEventListener('abort', leave);
  }
}
