import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { unfollowedRedirect } from '@modelcontextprotocol/sdk/shared/transport.js';
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

export interface RefusalText {
  /** Where the request went. */
  readonly url: URL;
  readonly body: string;
  /** The server's words without secrets: it may repeat what it was sent. */
  readonly masked: (said: string) => string;
}

/** Why a request was refused, in the words of the server. */
export function httpRefusalOf(response: HttpAnswer, { url, body, masked }: RefusalText): StreamableHTTPError {
  const { status, headers } = response;
  const redirect = unfollowedRedirect(response as unknown as Response, url);
  const said = masked(redirect ?? body);
  const retryAfterMs = POSTPONING.has(status)
    ? parseRetryAfter(headers.get('retry-after'), Date.now())
    : undefined;
  return retryAfterMs === undefined
    ? new StreamableHTTPError(status, `HTTP ${status}: ${said}`)
    : new PostponedError(status, `HTTP ${status}: ${excerpt(said)}`, retryAfterMs);
}
