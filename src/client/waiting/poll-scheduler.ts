import { setMaxListeners } from 'node:events';
import { TokenBucket } from '../../pacing/token-bucket.js';
import type { Exchange, PollAnswer, PollGroup, Protocol } from '../../protocols/protocol.js';
import { sleep, startTimer } from '../../time/sleep.js';
import { checkOption } from '../option-check.js';
import type { AwaitClientOptions } from '../options.js';

/** One status request of one wait. */
interface DuePoll {
  readonly protocol: Protocol;
  readonly handle: unknown;
  readonly exchange: Exchange;
}

/** The answer to a status request. */
export interface TimedAnswer {
  readonly answer: PollAnswer;
  /** When the request went out, on the clock of `performance.now()`: the answer includes what was told before. */
  readonly askedAt: number;
}

interface QueuedPoll extends DuePoll {
  /** With the answer to a request about many, or with undefined when it is its turn to be sent alone. */
  readonly resolve: (answer: TimedAnswer | undefined) => void;
  readonly reject: (error: unknown) => void;
  /** An answer about many had no place for it. */
  alone: boolean;
}

const DEFAULT_PER_SECOND = 20;
/** The pause after a server refuses requests without saying for how long. */
const UNSAID_PAUSE_MS = 1000;
/** The longest pause that a server can ask for. */
const MAX_PAUSE_MS = 300_000;

/**
 * The status requests of one client: no more of them a second than its server is to bear, and in the order in which
 * they became due, so that each wait has its turn. Those that have to queue are asked together where the protocol can.
 */
export class PollScheduler {
  readonly #bucket: TokenBucket;
  readonly #queue = new Set<QueuedPoll>();
  #pausedUntil = 0;
  #stopTimer: (() => void) | undefined;

  /** @param perSecond most status requests in a second, and in one burst; `Infinity` for no limit */
  constructor(perSecond: number) {
    this.#bucket = new TokenBucket({ perSecond, burst: Math.max(perSecond, 1) });
  }

  /** The answer to a status request, which is sent in its turn. @throws what the protocol throws, or the signal's reason */
  async poll(due: DuePoll): Promise<TimedAnswer> {
    const { protocol, handle, exchange } = due;
    exchange.signal.throwIfAborted();
    if (this.#queue.size > 0 || this.#waitMs() > 0) {
      const answer = await this.#wait(due);
      if (answer !== undefined) return answer;
    }
    const askedAt = performance.now();
    return { answer: await protocol.poll(handle, exchange), askedAt };
  }

  /** Sends nothing for a while, because the server asked for that. @param wishMs undefined when it did not say how long */
  pause(wishMs = UNSAID_PAUSE_MS): void {
    const until = performance.now() + Math.min(wishMs, MAX_PAUSE_MS);
    this.#pausedUntil = Math.max(this.#pausedUntil, until);
    if (this.#queue.size > 0) this.#arm(this.#pausedUntil - performance.now());
  }

  /** Settles when no pause is on; undefined when there is none. @throws the signal's reason */
  ready(signal: AbortSignal): Promise<void> | undefined {
    const pauseMs = this.#pausedUntil - performance.now();
    return pauseMs > 0 ? sleep(pauseMs, signal).then(() => this.ready(signal)) : undefined;
  }

  /** Milliseconds until a request may be sent; 0 takes its place in the rate. */
  #waitMs(): number {
    const now = performance.now();
    return Math.max(this.#pausedUntil - now, 0) || this.#bucket.take(now);
  }

  async #wait(due: DuePoll): Promise<TimedAnswer | undefined> {
    const { signal } = due.exchange;
    let leave = () => {};
    try {
      return await new Promise((resolve, reject) => {
        const queued = { ...due, resolve, reject, alone: false };
        leave = () => {
          this.#queue.delete(queued);
          if (this.#queue.size === 0) this.#disarm();
          reject(signal.reason);
        };
        signal.addEventListener('abort', leave, { once: true });
        this.#enqueue(queued);
      });
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  #enqueue(poll: QueuedPoll): void {
    this.#queue.add(poll);
    if (this.#stopTimer === undefined) this.#serve();
  }

  #serve(): void {
    while (this.#queue.size > 0) {
      const waitMs = this.#waitMs();
      if (waitMs > 0) {
        this.#arm(waitMs);
        return;
      }
      this.#send(this.#takeTurn());
    }
  }

  #arm(delayMs: number): void {
    this.#disarm();
    this.#stopTimer = startTimer(Math.ceil(delayMs), () => {
      this.#stopTimer = undefined;
      this.#serve();
    });
  }

  #disarm(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  /** The first of the queue, with all that can be asked with it. */
  #takeTurn(): readonly QueuedPoll[] {
    const turn: QueuedPoll[] = [];
    const [first] = this.#queue;
    const group = first?.alone === false ? groupOf(first) : undefined;
    for (const poll of this.#queue) {
      const fits = poll.protocol === first?.protocol && !poll.alone && groupOf(poll)?.name === group?.name;
      if (poll !== first && !fits) continue;
      turn.push(poll);
      this.#queue.delete(poll);
      if (turn.length >= (group?.most ?? 1)) break;
    }
    return turn;
  }

  #send(turn: readonly QueuedPoll[]): void {
    const [first, second] = turn;
    if (second === undefined) {
      first?.resolve(undefined);
      return;
    }
    const askedAt = performance.now();
    askTogether(turn).then(
      answers => {
        for (const [index, poll] of turn.entries()) this.#settle(poll, answers[index], askedAt);
      },
      error => {
        for (const { reject } of turn) reject(error);
      },
    );
  }

  /** The same object again, so that its wait can take it back. */
  #askAlone(poll: QueuedPoll): void {
    poll.alone = true;
    this.#enqueue(poll);
  }

  #settle(poll: QueuedPoll, answer: PollAnswer | Error | undefined, askedAt: number): void {
    if (answer instanceof Error) poll.reject(answer);
    else if (answer !== undefined) poll.resolve({ answer, askedAt });
    else if (!poll.exchange.signal.aborted) this.#askAlone(poll);
  }
}

/** @throws ConfigurationError when it is no rate */
export function pollRate({ maxPollsPerSecond = DEFAULT_PER_SECOND }: AwaitClientOptions): number {
  checkOption('maxPollsPerSecond', maxPollsPerSecond, 'a positive number');
  return maxPollsPerSecond;
}

/** Polls of the same group can be asked in one request; undefined for one that is asked alone. */
function groupOf({ protocol, handle, exchange }: DuePoll): PollGroup | undefined {
  // An answer that the server holds back is for one task.
  return exchange.holdMs > 0 ? undefined : protocol.many?.groupOf(handle);
}

/**
 * One request for the state of many tasks of a group. It ends early only when all their waits have ended.
 * @returns an answer for each: its state, its own error, or undefined where it must be asked alone
 */
async function askTogether(polls: readonly DuePoll[]): Promise<readonly (PollAnswer | Error | undefined)[]> {
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
