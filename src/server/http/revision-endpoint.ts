import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { decodeHeader, mcpNameOf } from '../../http-headers.js';
import { ShareLimiter } from '../fair-share.js';
import { isJsonObject } from '../is-record.js';
import type { Offer } from '../offer.js';
import { RequestError } from '../request-error.js';
import { asRequestError, resultOf } from '../revision-2026-07-28/answer-request.js';
import { headerMismatch, readEnvelope } from '../revision-2026-07-28/envelope.js';
import { openSubscription, type Subscription } from '../revision-2026-07-28/subscription.js';
import {
  CODE,
  errorMessage,
  isWireMessage,
  VERSIONS,
  type WireRequest,
  wireRequest,
} from '../revision-2026-07-28/wire.js';
import { keepAlive, sendEvent } from './event-stream.js';
import type { McpExchange } from './mcp-exchange.js';
import { type HttpRefusal, refuseRequest, sendJson, wrongMethod } from './responses.js';

/**
 * Checks that the headers say what the body says: a proxy may have let the request pass for the sake of its headers
 * (spec 2026-07-28, basic/transports, "Standard Headers").
 * @throws RequestError
 */
export function checkHeaders({ method, params }: WireRequest, headers: IncomingHttpHeaders): void {
  expectHeader('Mcp-Method', textOf(headers['mcp-method'])?.trim(), method);
  const value = mcpNameOf(method, params);
  if (value === undefined) return;
  const name = textOf(headers['mcp-name']);
  expectHeader('Mcp-Name', name === undefined ? undefined : decodeHeader(name.trim()), value);
}

function expectHeader(name: string, got: string | undefined, expected: string): void {
  if (got === expected) return;
  const what = got === undefined ? 'it is missing or cannot be read' : 'it says something else';
  throw headerMismatch(`Expected the ${name} header to say what the body says; ${what}`);
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

export const MAX_SUBSCRIPTIONS = 1000;

export interface RevisionEndpointOptions {
  readonly offer: Offer;
  /** Told what went wrong and was not the client's to know. */
  onError(error: unknown): void;
  /** Told of a response that has no end of its own. */
  onStream(response: ServerResponse): void;
}

/** The endpoint of revision 2026-07-28: each request says all that is to be known of its client. */
export class RevisionEndpoint {
  readonly #options: RevisionEndpointOptions;
  readonly #subscriptions = new Set<Subscription>();
  readonly #limiter = new ShareLimiter(MAX_SUBSCRIPTIONS);

  constructor(options: RevisionEndpointOptions) {
    this.#options = options;
  }

  /** Answers a request of this protocol; false, and nothing is done, where it is none. */
  async handle(exchange: McpExchange): Promise<boolean> {
    const { request, response, body } = exchange;
    const version = versionOf(exchange);
    if (request.method !== 'POST') {
      if (version === null || !VERSIONS.includes(version)) return false;
      refuseRequest(response, wrongMethod(['POST']));
      return true;
    }
    if (!isJsonObject(body) || !isWireMessage(body, version ?? undefined)) return false;
    const message = wireRequest(body);
    // A request is given up by closing its stream: there is nothing to notify.
    if (message === undefined) response.writeHead(202).end();
    else await this.#answer(message, exchange).catch(error => this.#fail(response, message, error));
    return true;
  }

  /** Ends all subscriptions with their results. */
  close(): void {
    for (const subscription of this.#subscriptions) subscription.end();
  }

  async #answer(message: WireRequest, exchange: McpExchange): Promise<void> {
    const { request, response, principal, pending } = exchange;
    const envelope = readEnvelope(message, versionOf(exchange));
    checkHeaders(message, request.headers);
    keepAlive(response);
    if (message.method === 'subscriptions/listen') return this.#subscribe(message, exchange);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const answer = await resultOf(message, this.#options.offer, {
      principal,
      envelope,
      signal: gone.signal,
      notify: (method, params) => sendEvent(response, { jsonrpc: '2.0', method, params }),
    });
    if (!pending.mayAnswer()) throw tooMuch(pending.refusal());
    if (!response.headersSent) return sendJson(response, 200, answer);
    sendEvent(response, answer);
    response.end();
  }

  async #subscribe(message: WireRequest, exchange: McpExchange): Promise<void> {
    const { response, principal } = exchange;
    let subscription: Subscription | undefined;
    const leave = this.#limiter.enter(principal, () => {
      if (subscription === undefined) response.destroy();
      else subscription.end();
    });
    if (leave === undefined) throw tooManySubscriptions();
    response.once('close', () => {
      leave();
      subscription?.stop();
      if (subscription !== undefined) this.#subscriptions.delete(subscription);
    });
    this.#options.onStream(response);
    subscription = await openSubscription(message, {
      offer: this.#options.offer,
      principal,
      envelope: readEnvelope(message),
      send: each => sendEvent(response, each),
      onEnd: () => response.end(),
    });
    if (response.destroyed) subscription.stop();
    else if (!response.writableEnded) this.#subscriptions.add(subscription);
  }

  #fail(response: ServerResponse, { id }: WireRequest, error: unknown): void {
    if (response.destroyed) return;
    if (!(error instanceof RequestError)) this.#options.onError(error);
    const refusal = asRequestError(error);
    if (response.headersSent) {
      sendEvent(response, errorMessage(id, refusal));
      response.end();
      return;
    }
    if (refusal.httpStatus === 429) response.setHeader('retry-after', '5');
    sendJson(response, refusal.httpStatus, errorMessage(id, refusal));
  }
}

function tooMuch({ code, message }: HttpRefusal): RequestError {
  return new RequestError(code, message, { httpStatus: 429, data: { retryable: true } });
}

function tooManySubscriptions(): RequestError {
  const message = 'You have too many open subscriptions: close one, or try again later';
  return new RequestError(CODE.internal, message, { httpStatus: 429 });
}

/** Null where the header is missing. */
function versionOf({ request }: McpExchange): string | null {
  const version = request.headers['mcp-protocol-version'];
  return typeof version === 'string' ? version.trim() : null;
}
