import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { Offer } from '../offer.js';
import { RequestError } from '../request-error.js';
import { asRequestError, resultOf } from './answer-request.js';
import { readEnvelope } from './envelope.js';
import { openSubscription, type Subscription } from './subscription.js';
import { CODE, errorMessage, isWireMessage, type WireRequest, wireRequest } from './wire.js';

const MAX_SUBSCRIPTIONS = 100;

export interface StdioChannelOptions {
  readonly offer: Offer;
  readonly principal: string;
  send(message: JSONRPCMessage): void;
  /** Told what went wrong and was not the client's to know. */
  onError(error: unknown): void;
}

/** Revision 2026-07-28 on a line that it shares with a session of an earlier version. */
export class StdioChannel {
  readonly #options: StdioChannelOptions;
  readonly #requests = new Map<RequestId, AbortController>();
  readonly #subscriptions = new Map<RequestId, Subscription>();

  constructor(options: StdioChannelOptions) {
    this.#options = options;
  }

  /** Takes a message of this protocol; false, and nothing is done, where it is none. */
  take(message: Readonly<Record<string, unknown>>): boolean {
    if (message.method === 'notifications/cancelled') return this.#cancel(message.params);
    if (!isWireMessage(message)) return false;
    const request = wireRequest(message);
    if (request !== undefined) void this.#answer(request);
    return true;
  }

  /** Ends all subscriptions with their results. */
  close(): void {
    for (const subscription of [...this.#subscriptions.values()]) subscription.end();
  }

  async #answer(request: WireRequest): Promise<void> {
    const { offer, principal, send, onError } = this.#options;
    const { id } = request;
    const given = new AbortController();
    this.#requests.set(id, given);
    try {
      const envelope = readEnvelope(request);
      if (request.method === 'subscriptions/listen') return await this.#subscribe(request, given.signal);
      const answer = await resultOf(request, offer, {
        principal,
        envelope,
        signal: given.signal,
        notify: (method, params) => given.signal.aborted || send({ jsonrpc: '2.0', method, params }),
      });
      if (!given.signal.aborted) send(answer);
    } catch (error) {
      if (given.signal.aborted) return;
      if (!(error instanceof RequestError)) onError(error);
      send(errorMessage(id, asRequestError(error)));
    } finally {
      this.#requests.delete(id);
    }
  }

  async #subscribe(request: WireRequest, signal: AbortSignal): Promise<void> {
    const { offer, principal, send } = this.#options;
    if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS) {
      throw new RequestError(CODE.internal, 'Too many open subscriptions: cancel one');
    }
    let ended = false;
    const subscription = await openSubscription(request, {
      offer,
      principal,
      envelope: readEnvelope(request),
      send: message => signal.aborted || send(message),
      onEnd: () => {
        ended = true;
        this.#subscriptions.delete(request.id);
      },
    });
    if (signal.aborted) subscription.stop();
    else if (!ended) this.#subscriptions.set(request.id, subscription);
  }

  #cancel(params: unknown): boolean {
    const id = (params as { readonly requestId?: RequestId } | undefined)?.requestId;
    if (id === undefined) return false;
    const request = this.#requests.get(id);
    const subscription = this.#subscriptions.get(id);
    request?.abort();
    subscription?.stop();
    this.#subscriptions.delete(id);
    return request !== undefined || subscription !== undefined;
  }
}
