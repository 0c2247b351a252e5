import { pipeline, type Readable } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Dispatcher } from 'undici';

/** A response, in the shape of one of `fetch` as far as we, the SDK and an authorization look at it. */
export interface HttpAnswer {
  readonly url: string;
  readonly status: number;
  readonly ok: boolean;
  readonly headers: { get(name: string): string | null };
  readonly body: AnswerBody;
}

/** The decoded bytes of a response. */
export interface AnswerBody extends AsyncIterable<Uint8Array> {
  /** Leaves the rest unread. The connection ends if there is a rest. */
  cancel(): Promise<void>;
}

/** Without `deflate`, by which servers mean two formats. */
export const ACCEPTED_ENCODINGS = 'gzip, br';
/** No more are undone. */
const MAX_ENCODINGS = 5;

/** An event is passed on when it arrives, and a body may end without the end of its encoding. */
const AT_ONCE = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
const BROTLI = { flush: constants.BROTLI_OPERATION_FLUSH, finishFlush: constants.BROTLI_OPERATION_FLUSH };
const DECODERS = new Map([
  ['gzip', () => createGunzip(AT_ONCE)],
  ['x-gzip', () => createGunzip(AT_ONCE)],
  ['deflate', () => createInflate(AT_ONCE)],
  ['br', () => createBrotliDecompress(BROTLI)],
]);

/** @param url where the request went */
export function httpAnswerOf(url: URL, { statusCode, headers, body }: Dispatcher.ResponseData): HttpAnswer {
  const get = (name: string) => {
    const value = headers[name.toLowerCase()];
    return value === undefined ? null : String(value);
  };
  return {
    url: url.href,
    status: statusCode,
    ok: statusCode >= 200 && statusCode < 300,
    headers: { get },
    body: bodyOf(decoded(body, get('content-encoding') ?? '')),
  };
}

/** @param encodings in the order in which they were applied */
function decoded(body: Readable, encodings: string): Readable {
  const names = encodings.toLowerCase().split(',', MAX_ENCODINGS).reverse();
  const decoders = names.flatMap(name => DECODERS.get(name.trim())?.() ?? []);
  // Its reader sees the errors.
  if (decoders.length === 0) return body.on('error', () => {});
  pipeline([body, ...decoders], () => {});
  return decoders.at(-1) ?? body;
}

function bodyOf(stream: Readable): AnswerBody {
  return {
    [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator](),
    cancel: async () => void stream.destroy(),
  };
}
