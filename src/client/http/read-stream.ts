import { UnreadableAnswerError } from '../connection/unreadable-answer.js';
import type { HttpAnswer } from './answer.js';
import { eventsOf } from './body.js';

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
      if (data === '' || (event !== undefined && event !== 'message')) continue;
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
