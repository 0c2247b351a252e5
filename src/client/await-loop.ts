import { nextDelay } from '../pacing/next-delay.js';
import type { Ended, Exchange, PollAnswer, Protocol } from '../protocols/protocol.js';
import type { Alarm } from '../time/alarm.js';
import type { ResolvedWaitOptions } from './options.js';

export interface Wait {
  readonly protocol: Protocol;
  readonly handle: unknown;
  readonly exchange: Exchange;
  readonly options: ResolvedWaitOptions;
  /** Cuts a sleep short when there is reason to ask at once. */
  readonly alarm: Alarm;
  /** The server's first hint, from the answer to the start. */
  readonly hintMs?: number | undefined;
  /** Called when a request is due, with the hint that made it so. */
  readonly onRequest: (attempt: number, hintMs: number | undefined) => void;
  readonly onAnswer: (answer: PollAnswer, attempt: number) => void;
  /** Repeats one request until it is answered. */
  readonly retry: (send: () => Promise<PollAnswer>) => Promise<PollAnswer>;
}

/**
 * Asks for the state of a running task until it has ended; the one loop for every protocol.
 * @returns undefined when `maxAttempts` answers said that it is still running
 * @throws the reason of `exchange.signal`, or the error of a status request that failed for good
 */
export async function awaitEnd(wait: Wait): Promise<Ended | undefined> {
  const { protocol, handle, exchange, options, alarm, onRequest, onAnswer, retry } = wait;
  let { hintMs } = wait;
  for (let attempt = 0; attempt < options.maxAttempts; attempt++) {
    await alarm.sleep(nextDelay({ attempt, hintMs, pacing: options, random: Math.random }), exchange.signal);
    onRequest(attempt, hintMs);
    const answer = await retry(() => protocol.poll(handle, exchange));
    onAnswer(answer, attempt + 1);
    if (answer.kind === 'ended') return answer;
    hintMs = answer.hintMs;
  }
  return undefined;
}
