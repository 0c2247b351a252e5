import { isUsableHint, leastDelay } from '../pacing/next-delay.js';
import type { Pacer } from '../pacing/pacer.js';
import type { Ended, Exchange, PollAnswer, Protocol } from '../protocols/protocol.js';
import type { Alarm } from '../time/alarm.js';
import { sleep } from '../time/sleep.js';
import type { DuePoll } from './joint-poll.js';
import type { ResolvedWaitOptions } from './options.js';
import type { Places } from './places.js';

/** An answer that came much sooner than the server was asked to hold it was not held. */
const HELD_SHARE = 0.5;

export interface Asked {
  readonly hintMs: number | undefined;
  readonly holdMs: number;
  readonly woken: boolean;
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
  readonly holdPlaces: Places;
  /** Says when to ask. */
  readonly pacer: Pacer;
  /** The server's first hint, from the answer to the start. */
  readonly hintMs?: number | undefined;
  /** What the answer to the start says of the least time between requests. */
  readonly leastMs?: number | undefined;
  /** Whether the task waits for an answer of ours. */
  readonly isAnswering: () => boolean;
  /** Called before the wait for the next request. */
  readonly onSchedule: (delayMs: number) => void;
  /** Called when a request is due, with the hint that made it so and how long the server is to hold its answer back. */
  readonly onRequest: (attempt: number, asked: Asked) => void;
  readonly onAnswer: (answer: PollAnswer, attempt: number) => void;
  /** Sends one status request, again until it is answered. */
  readonly ask: (due: DuePoll) => Promise<PollAnswer>;
}

/**
 * Asks for the state of a running task until it has ended; the one loop for every protocol.
 * @returns undefined when `maxAttempts` answers said that it is still running. Only answers to requests at our own pace
 * count: not those that the server held, that its hint or a notification brought about, or that came while somebody
 * thinks about what the task asks
 * @throws the reason of `exchange.signal`, or the error of a status request that failed for good
 */
export async function awaitEnd(wait: Wait): Promise<Ended | undefined> {
  const { protocol, handle, exchange, options, alarm, pacer, holdPlaces, ask } = wait;
  const canHold = options.longPollMs > 0 && protocol.holds?.(handle) === true;
  let { hintMs, leastMs } = wait;
  /** A server that holds its answers back is asked again at once: it does the waiting. */
  let waitsThere = canHold && !wait.looksFirst;
  /** News that proved empty make the next ones wait. */
  let noNewsBefore = 0;
  for (let attempt = 0, paced = 0, counted = 0; counted < options.maxAttempts; attempt++) {
    using early = waitsThere ? holdPlaces.take() : undefined;
    const looks = wait.looksFirst && attempt === 0;
    const ownDelayMs = pacer.delay(paced, hintMs);
    const leastMsNow = leastDelay(leastMs, options);
    const isHinted = isUsableHint(hintMs) || leastMsNow > ownDelayMs;
    const delayMs = looks || early !== undefined ? 0 : Math.max(ownDelayMs, leastMsNow);
    const woken = delayMs > 0 && (await sleepUntilNews(delayMs, noNewsBefore, wait));
    // After news there is probably an end to fetch, together with others.
    using late = canHold && !looks && !woken && early === undefined ? holdPlaces.take() : undefined;
    const holdMs = (early ?? late) === undefined ? 0 : options.longPollMs;
    wait.onRequest(attempt, { hintMs, holdMs, woken });
    let askedAt = performance.now();
    const onSend = () => {
      // What has been told so far, the answer will tell.
      alarm.reset();
      askedAt = performance.now();
      pacer.asking(holdMs > 0);
    };
    const answer = await ask({ protocol, handle, exchange: { ...exchange, holdMs }, onSend });
    pacer.answered(stateOf(answer), answer.kind === 'running' ? answer.progress : undefined);
    wait.onAnswer(answer, attempt + 1);
    if (answer.kind === 'ended') return answer;
    ({ hintMs, leastMs } = answer);
    const wasHeld = holdMs > 0 && performance.now() - askedAt >= holdMs * HELD_SHARE;
    waitsThere = canHold && (holdMs === 0 || wasHeld);
    // A person may take hours.
    if (wait.isAnswering()) continue;
    if (woken) {
      noNewsBefore = askedAt + options.initialIntervalMs;
      continue;
    }
    paced++;
    if (looks || !(wasHeld || isHinted)) counted++;
  }
  return undefined;
}

/** @returns whether news have ended it */
async function sleepUntilNews(
  delayMs: number,
  noNewsBefore: number,
  { alarm, exchange, onSchedule }: Wait,
): Promise<boolean> {
  onSchedule(delayMs);
  const dueAt = performance.now() + delayMs;
  if (!(await alarm.sleep(delayMs, exchange.signal))) return false;
  const restMs = Math.min(noNewsBefore, dueAt) - performance.now();
  if (restMs > 0) await sleep(restMs, exchange.signal);
  return true;
}

/** A task that was cut short would have run longer: it tells less of its tool. */
function stateOf(answer: PollAnswer): 'running' | 'ended' | 'cancelled' {
  if (answer.kind === 'running') return 'running';
  return answer.outcome.status === 'cancelled' ? 'cancelled' : 'ended';
}
