import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { parseRetryAfter } from '../../http-headers.js';
import { excerpt } from '../../protocols/excerpt.js';
import type { HttpAnswer } from './answer.js';

/** The server asks to send the request again later, and not before this time. */
export class PostponedError extends StreamableHTTPError {
  readonly retryAfterMs: number;

  constructor(status: number, text: string, retryAfterMs: number) {
    super(status, text);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Statuses that come with `Retry-After` (RFC 9110, 15.6.4; RFC 6585, 4). */
const POSTPONING = new Set([429, 503]);

/**
 * Why a request was refused.
 * @param said in the words of the server, without secrets: it may repeat what it was sent
 */
export function httpRefusalOf({ status, headers }: HttpAnswer, said: string): StreamableHTTPError {
  const retryAfterMs = POSTPONING.has(status)
    ? parseRetryAfter(headers.get('retry-after'), Date.now())
    : undefined;
  return retryAfterMs === undefined
    ? new StreamableHTTPError(status, `HTTP ${status}: ${said}`)
    : new PostponedError(status, `HTTP ${status}: ${excerpt(said)}`, retryAfterMs);
}
