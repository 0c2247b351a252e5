import type { Pacer } from '../pacing/pacer.js';
import type { Ended, Exchange, PollAnswer, Protocol } from '../protocols/protocol.js';
import type { Alarm } from '../time/alarm.js';
import type { HoldPlaces } from './hold-places.js';
import type { ResolvedWaitOptions } from './options.js';

/** An answer that came much sooner than the server was asked to hold it was not held. */
const HELD_SHARE = 0.5;

export interface Asked {
  readonly hintMs: number | undefined;
  readonly holdMs: number;
}

export interface Wait {
  readonly protocol: Protocol;
  readonly handle: unknown;
  readonly exchange: Exchange;
  readonly options: ResolvedWaitOptions;
  /** Cuts a sleep short when there is reason to ask at once. */
  readonly alarm: Alarm;
  /** Whether nothing is known of the task yet: the first request is then a look, which the server does not hold. */
  readonly looksFirst: boolean;
  /** Places for long polls. */
  readonly holdPlaces: HoldPlaces;
  /** Says when to ask. */
  readonly pacer: Pacer;
  /** The server's first hint, from the answer to the start. */
  readonly hintMs?: number | undefined;
  /** Called before the wait for the next request. */
  readonly onSchedule: (delayMs: number) => void;
  /** Called when a request is due, with the hint that made it so and how long the server is to hold its answer back. */
  readonly onRequest: (attempt: number, asked: Asked) => void;
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
  const { protocol, handle, exchange, options, alarm, pacer, holdPlaces, retry } = wait;
  const canHold = options.longPollMs > 0 && protocol.holds?.(handle) === true;
  let { hintMs } = wait;
  /** A server that holds its answers back is asked again at once: it does the waiting. */
  let waitsThere = canHold && !wait.looksFirst;
  for (let attempt = 0; attempt < options.maxAttempts; attempt++) {
    using early = waitsThere ? holdPlaces.take() : undefined;
    const delayMs = early === undefined ? pacer.delay(attempt, hintMs) : 0;
    if (delayMs > 0) {
      wait.onSchedule(delayMs);
      await alarm.sleep(delayMs, exchange.signal);
    }
    const mayHold = canHold && !(wait.looksFirst && attempt === 0);
    using late = mayHold && early === undefined ? holdPlaces.take() : undefined;
    const holdMs = (early ?? late) === undefined ? 0 : options.longPollMs;
    wait.onRequest(attempt, { hintMs, holdMs });
    const askedAt = performance.now();
    const answer = await retry(() => {
      pacer.asking(holdMs > 0);
      return protocol.poll(handle, { ...exchange, holdMs });
    });
    pacer.answered(stateOf(answer));
    wait.onAnswer(answer, attempt + 1);
    if (answer.kind === 'ended') return answer;
    hintMs = answer.hintMs;
    waitsThere = canHold && (holdMs === 0 || performance.now() - askedAt >= holdMs * HELD_SHARE);
  }
  return undefined;
}

/** A task that was cut short would have run longer: it tells less of its tool. */
function stateOf(answer: PollAnswer): 'running' | 'ended' | 'cancelled' {
  if (answer.kind === 'running') return 'running';
  return answer.outcome.status === 'cancelled' ? 'cancelled' : 'ended';
}
