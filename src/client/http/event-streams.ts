import { sleep } from '../../time/sleep.js';
import { LostContactError } from '../connection/contact.js';
import { UnreadableAnswerError } from '../connection/unreadable-answer.js';
import { messageOf } from '../faults/failure.js';
import type { HttpAnswer } from './answer.js';
import { eventsOf, mediaTypeOf } from './body.js';
import { type EndedStream, reconnectDelayMs } from './reconnect-delay.js';

/** What the streams of one answer, one after another, have told by now. */
export interface StreamState {
  lastEventId: string | undefined;
  retryMs: number | undefined;
  /** How many streams in a row have brought no message. */
  fruitless: number;
  /** What the last stream broke off with; undefined where it ended by itself. */
  brokenBy: unknown;
}

export interface StreamReader {
  /** Of one event, in decoded bytes. */
  readonly maxBytes: number;
  /** Takes one message as text. @throws UnusableAnswer to end the reading */
  readonly take: (data: string) => Promise<void>;
  readonly report: (error: unknown) => void;
  /** Ends the reading before the stream ends. */
  readonly signal: AbortSignal;
}

/** The answer that a stream is read for has come, and is of no use; `cause` says why. */
export class UnusableAnswer extends Error {
  constructor(cause: unknown) {
    super('the answer is of no use', { cause });
  }
}

/** A stream that has lasted this long is not one that ends at once. */
const LONG_LIVED_MS = 30_000;

export function newStreamState(): StreamState {
  return { lastEventId: undefined, retryMs: undefined, fruitless: 0, brokenBy: undefined };
}

/**
 * Reads a stream until it ends or breaks off.
 * @throws UnreadableAnswerError, or what an answer that is of no use was thrown with
 */
export async function readStream(
  stream: HttpAnswer,
  state: StreamState,
  { maxBytes, take, report, signal }: StreamReader,
): Promise<void> {
  const startedAt = performance.now();
  const onRetry = (retryMs: number) => {
    state.retryMs = retryMs;
  };
  state.fruitless++;
  state.brokenBy = undefined;
  try {
    for await (const { id, event, data } of eventsOf(stream, { maxBytes, onRetry, signal })) {
      state.lastEventId = id || state.lastEventId;
      // Some servers name the events of their messages in other ways.
      if (data === '' || ((event ?? 'message') !== 'message' && !data.includes('"jsonrpc"'))) continue;
      await take(data);
      state.fruitless = 0;
    }
  } catch (error) {
    if (error instanceof UnusableAnswer) throw error.cause;
    if (error instanceof UnreadableAnswerError) throw error;
    state.brokenBy = error;
    report(error);
  }
  if (performance.now() - startedAt > LONG_LIVED_MS) state.fruitless = 0;
}

export interface Resumption {
  /** Asks for what comes after the last event. */
  readonly ask: () => Promise<HttpAnswer>;
  readonly ended: Omit<EndedStream, 'minDelayMs'>;
  readonly signal: AbortSignal;
}

/** Failed attempts in a row, about half a minute, after which the server counts as out of reach. */
const MAX_FAILURES = 5;
const MIN_DELAY_MS = 250;
/** Statuses by which a server or a gateway says that it cannot answer now. */
const AT_PRESENT = new Set([408, 425, 429, 502, 503, 504]);

export function mayComeLater(status: number): boolean {
  return AT_PRESENT.has(status);
}

/**
 * The stream that goes on with an answer that broke off (spec 2025-11-25, basic/transports, "Resumability").
 * @throws LostContactError when there is none
 */
export async function resumeStream({ ask, ended, signal }: Resumption): Promise<HttpAnswer> {
  for (let failures = 0; ; ) {
    const fruitless = ended.fruitless + failures;
    await sleep(reconnectDelayMs({ ...ended, fruitless, minDelayMs: MIN_DELAY_MS }), signal);
    const { response, why, isLongLived } = await attempt(ask);
    if (response !== undefined) return response;
    failures++;
    if (isLongLived || failures === MAX_FAILURES)
      throw new LostContactError(`the answer broke off, and the server does not go on with it (${why})`);
  }
}

async function attempt(ask: () => Promise<HttpAnswer>) {
  try {
    const response = await ask();
    const type = mediaTypeOf(response);
    if (response.ok && type === 'text/event-stream') return { response, why: '', isLongLived: false };
    await response.body.cancel();
    const why = response.ok ? `it answers with ${type || 'no media type'}` : `HTTP ${response.status}`;
    return { response: undefined, why, isLongLived: !mayComeLater(response.status) };
  } catch (error) {
    return { response: undefined, why: messageOf(error), isLongLived: false };
  }
}

/** Of an answer that its stream has not brought. */
export function brokenOff({ brokenBy: cause }: StreamState): LostContactError {
  const why = cause === undefined ? '' : `: ${messageOf(cause)}`;
  return new LostContactError(`the answer broke off${why}`, { cause });
}
