import type { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  type FetchLike,
  fetchWithinOrigin,
  unfollowedRedirect,
} from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { Dispatcher } from 'undici';
import { VERSION } from '../../version.js';
import { SentSecrets } from '../connection/sent-secrets.js';
import { ACCEPTED_ENCODINGS, type HttpAnswer, httpAnswerOf } from './answer.js';
import { errorTextOf } from './body.js';
import { httpRefusalOf } from './refusal.js';

export interface RequestsOptions {
  readonly url: URL;
  /** The user's headers, sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: Dispatcher;
  /** Sends a request with a token, and again with another where it is refused; undefined to send none. */
  readonly authorize:
    | ((send: (token: string | undefined) => Promise<HttpAnswer>, isLast: boolean) => Promise<HttpAnswer>)
    | undefined;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** @default that of the server */
  readonly url?: URL | undefined;
  /** Our headers, which the user's may replace. */
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined;
  /** Our headers, which nothing replaces; undefined to leave one out. */
  readonly fixed: Readonly<Record<string, string | undefined>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Refused {
  /** @default that of the server */
  readonly url?: URL | undefined;
  /** What the response says, where that has been read. */
  readonly body?: string | undefined;
}

/**
 * Sends HTTP requests to one server. A redirect is followed within the server's origin only. `fetch` would take five times
 * the processor time of a request.
 */
export class Requests {
  readonly url: URL;
  readonly #options: RequestsOptions;
  readonly #secrets: SentSecrets;
  /** The token that was sent last. */
  #token: string | undefined;

  constructor(options: RequestsOptions) {
    this.url = options.url;
    this.#options = options;
    this.#secrets = new SentSecrets([
      ...options.url.searchParams.values(),
      ...Object.values(options.headers),
    ]);
  }

  /** @throws what the connection fails with, or AuthorizationError */
  send({ method, url = this.url, headers, fixed, body, signal }: HttpRequest): Promise<HttpAnswer> {
    const { agent, authorize } = this.#options;
    const send = (to: URL) => {
      const one = async (token: string | undefined) => {
        if (token !== undefined) this.#token = token;
        const { origin, pathname, search } = to;
        const response = await agent.request({
          origin,
          path: `${pathname}${search}`,
          method,
          headers: this.#headers(headers, fixed, token),
          body: body ?? null,
          signal: signal ?? null,
        });
        return httpAnswerOf(to, response);
      };
      // The request that ends the session (DELETE) starts no authorization.
      return authorize?.(one, method === 'DELETE') ?? one(undefined);
    };
    // Of a response, it reads what an `HttpAnswer` has.
    return fetchWithinOrigin(send as unknown as FetchLike)(url, { method }) as unknown as Promise<HttpAnswer>;
  }

  /** What a response that is no success means. */
  async refusal(response: HttpAnswer, { url = this.url, body }: Refused = {}): Promise<StreamableHTTPError> {
    const redirect = unfollowedRedirect(response as unknown as Response, url);
    const text = body ?? (await errorTextOf(response));
    return httpRefusalOf(response, this.#secrets.masked(redirect ?? text, this.#token));
  }

  /** The message, with the secrets that the server was sent removed from its error. */
  withoutSecrets(message: JSONRPCMessage): JSONRPCMessage {
    return this.#secrets.withoutSecrets(message, this.#token);
  }

  /** Ends all that is under way. */
  async close(): Promise<void> {
    await this.#options.agent.destroy();
  }

  #headers(
    ours: HttpRequest['headers'],
    fixed: HttpRequest['fixed'],
    token: string | undefined,
  ): Record<string, string> {
    const all = new Headers({
      'user-agent': `mcp-await/${VERSION}`,
      'accept-encoding': ACCEPTED_ENCODINGS,
    });
    for (const [name, value] of Object.entries({ ...ours })) if (value !== undefined) all.set(name, value);
    for (const [name, value] of Object.entries(this.#options.headers)) all.set(name, value);
    if (token !== undefined) all.set('authorization', `Bearer ${token}`);
    for (const [name, value] of Object.entries(fixed))
      if (value === undefined) all.delete(name);
      else all.set(name, value);
    return Object.fromEntries(all);
  }
}
