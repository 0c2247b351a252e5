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

export const ACCEPTED_ENCODINGS = 'gzip, deflate, br';

const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH } = constants;
/** An event is passed on when it arrives, and a body may end without the end of its encoding. */
const AT_ONCE = { flush: Z_SYNC_FLUSH, finishFlush: Z_SYNC_FLUSH };
const DECODERS = new Map([
  ['gzip', () => createGunzip(AT_ONCE)],
  ['x-gzip', () => createGunzip(AT_ONCE)],
  ['deflate', () => createInflate(AT_ONCE)],
  [
    'br',
    () => createBrotliDecompress({ flush: BROTLI_OPERATION_FLUSH, finishFlush: BROTLI_OPERATION_FLUSH }),
  ],
]);

/** @param url where the request went */
export function httpAnswerOf(url: URL, { statusCode, headers, body }: Dispatcher.ResponseData): HttpAnswer {
  const get = (name: string) => {
    const value = headers[name.toLowerCase()];
    return value === undefined ? null : String(value);
  };
  const encoding = get('content-encoding')?.trim().toLowerCase();
  return {
    url: url.href,
    status: statusCode,
    ok: statusCode >= 200 && statusCode < 300,
    headers: { get },
    body: bodyOf(decoded(body, encoding)),
  };
}

function decoded(body: Readable, encoding: string | undefined): Readable {
  const decoder = encoding === undefined ? undefined : DECODERS.get(encoding)?.();
  // Its reader sees the errors.
  return decoder === undefined ? body.on('error', () => {}) : pipeline(body, decoder, () => {});
}

function bodyOf(stream: Readable): AnswerBody {
  return {
    [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator](),
    cancel: async () => void stream.destroy(),
  };
}
