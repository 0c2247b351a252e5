import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { parseJson } from '../../protocols/tool-result.js';
import { atMost } from '../../time/at-most.js';
import { onAbort } from '../../time/signals.js';
import { AnswerBytes } from '../connection/answer-bytes.js';
import { answerTooLarge } from '../connection/unreadable-answer.js';
import type { AnswerBody, HttpAnswer } from './answer.js';

/** An error page is read no further than a message needs. */
const MAX_ERROR_BYTES = 64 * 1024;
const ERROR_LIMIT_MS = 5000;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const BYTE_ORDER_MARK = 0xfeff;

/**
 * The text of a body, counted while it arrives.
 * @throws UnreadableAnswerError when it has more than `maxBytes` decoded bytes
 */
export async function bodyText({ body }: HttpAnswer, maxBytes: number): Promise<string> {
  const answer = new AnswerBytes(maxBytes);
  for await (const chunk of body) {
    if (answer.size + chunk.byteLength > maxBytes) {
      answer.clear();
      throw answerTooLarge(maxBytes);
    }
    answer.add(chunk);
  }
  return withoutMark(answer.take());
}

/** What an error page begins with; empty where it does not come in time. */
export async function errorTextOf({ body }: HttpAnswer): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  const read = async () => {
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length >= MAX_ERROR_BYTES) return;
    }
  };
  await atMost(read(), ERROR_LIMIT_MS).catch(() => {});
  await body.cancel();
  return text.slice(0, MAX_ERROR_BYTES);
}

export interface EventStreamOptions {
  /** Of one event, in decoded bytes. */
  readonly maxBytes: number;
  /** Told how long the server wants to be left alone before the stream is asked for again, in milliseconds. */
  readonly onRetry?: ((retryMs: number) => void) | undefined;
  /** Ends the stream, and the connection with it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The events of a stream (HTML Standard, "Server-sent events").
 * @throws UnreadableAnswerError when one of them has too many bytes, and what the connection fails with
 */
export async function* eventsOf(
  { body }: HttpAnswer,
  { maxBytes, onRetry, signal }: EventStreamOptions,
): AsyncGenerator<EventSourceMessage> {
  const line = new AnswerBytes(maxBytes);
  const events: EventSourceMessage[] = [];
  let bytes = 0;
  let isFirst = true;
  let endedInReturn = false;
  let isTooLarge = false;
  const parser = createParser({
    ...(onRetry && { onRetry }),
    onEvent: event => {
      isTooLarge ||= isLarger(event.data, maxBytes);
      if (!isTooLarge) events.push(event);
      bytes = 0;
    },
    // Comments keep a connection alive for hours.
    onComment: comment => {
      bytes -= Buffer.byteLength(comment) + 2;
    },
  });
  for await (const chunk of chunksOf(body, signal)) {
    bytes += chunk.byteLength;
    // The parser keeps what is no whole line as text, part by part.
    const end = Math.max(chunk.lastIndexOf(LINE_FEED), chunk.lastIndexOf(CARRIAGE_RETURN)) + 1;
    if (end > 0) {
      line.add(chunk.subarray(0, end));
      const text = isFirst ? withoutMark(line.take()) : line.take();
      // A carriage return alone ends a line, too; the parser would wait for what follows it.
      parser.feed((endedInReturn ? text.replace(/^\n/, '') : text).replace(/\r\n?/g, '\n'));
      endedInReturn = text.endsWith('\r');
      isFirst = false;
      // One at a time, so that nothing holds an event that was handed on.
      for (let event = events.shift(); event !== undefined; event = events.shift()) yield event;
    }
    if (isTooLarge || bytes > maxBytes) {
      line.clear();
      throw answerTooLarge(maxBytes);
    }
    line.add(chunk.subarray(end));
  }
  if (signal?.aborted) return;
  // The standard drops an event without a blank line behind it. Some servers end their answer like that: it counts if it is whole.
  parser.feed(`${withoutMark(line.take())}\n\n`);
  yield* events.filter(({ data }) => parseJson(data) !== undefined);
}

/** Without the mark of its encoding. */
function withoutMark(text: string): string {
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

/** What comes of a body until the signal aborts. */
async function* chunksOf(body: AnswerBody, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const ignore = signal && onAbort(signal, () => void body.cancel());
  try {
    yield* body;
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    ignore?.();
  }
}

/** A character has one to three bytes; few texts are so near the limit that they must be looked through. */
function isLarger(text: string, maxBytes: number): boolean {
  return text.length > maxBytes || (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes);
}

/** The media type of a body without its parameters, in lower case; empty where there is none. */
export function mediaTypeOf({ headers }: Pick<HttpAnswer, 'headers'>): string {
  return (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
