import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { atMost } from '../../time/at-most.js';
import { answeredId, asSent, cancelledId, isRequest } from '../connection/message-kind.js';
import { UnreadableAnswerError, unreadableAnswer } from '../connection/unreadable-answer.js';
import type { HttpAnswer } from './answer.js';
import { eventsOf, mediaTypeOf } from './body.js';
import { readMessage } from './messages.js';
import type { HttpWire, WireOptions } from './wire.js';

/** How long a stream may take to say where messages go. */
const ENDPOINT_LIMIT_MS = 10_000;

/**
 * HTTP+SSE (spec 2024-11-05, basic/transports): one stream brings all that the server says, and tells where messages go.
 * The stream is the session: when it ends, another one begins.
 */
export class LegacySse implements HttpWire {
  readonly #options: WireOptions;
  /** Settles with where messages go. */
  readonly #endpoint: Promise<URL>;
  #tellEndpoint!: { readonly resolve: (url: URL) => void; readonly reject: (error: unknown) => void };
  #url: URL | undefined;
  /** Requests that are not answered. */
  readonly #waiting = new Set<RequestId>();
  readonly #closing = new AbortController();
  #isClosed = false;

  constructor(options: WireOptions) {
    this.#options = options;
    this.#endpoint = new Promise((resolve, reject) => {
      this.#tellEndpoint = { resolve, reject };
    });
    this.#endpoint.catch(() => {});
  }

  /** What tells this session from another one. */
  get sessionId(): string | undefined {
    if (this.#url === undefined) return undefined;
    const { searchParams, pathname } = this.#url;
    return [...searchParams].find(([name]) => /session/i.test(name))?.[1] ?? pathname;
  }

  /**
   * Opens the stream.
   * @throws StreamableHTTPError when the server has none, or what the connection fails with
   */
  async open(): Promise<void> {
    const { requests } = this.#options;
    const response = await requests.send({ method: 'GET', fixed: { accept: 'text/event-stream' } });
    if (!response.ok) throw await requests.refusal(response);
    if (mediaTypeOf(response) !== 'text/event-stream') {
      await response.body.cancel();
      throw new StreamableHTTPError(-1, `Unexpected content type: ${mediaTypeOf(response)}`);
    }
    void this.#read(response);
    this.#url = await atMost(this.#endpoint, ENDPOINT_LIMIT_MS);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const { requests } = this.#options;
    const url = this.#url;
    if (url === undefined || this.#isClosed) throw new Error('Not connected');
    const id = isRequest(message) ? message.id : undefined;
    const cancelled = cancelledId(message);
    if (id !== undefined) this.#waiting.add(id);
    if (cancelled !== undefined) this.#waiting.delete(cancelled);
    try {
      const response = await requests.send({
        method: 'POST',
        url,
        body: JSON.stringify(message),
        fixed: { 'content-type': 'application/json' },
      });
      if (!response.ok) throw await requests.refusal(response, { url });
      await response.body.cancel();
    } catch (error) {
      if (id !== undefined) this.#waiting.delete(id);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.abort();
  }

  async #read(stream: HttpAnswer): Promise<void> {
    const { listener, maxAnswerBytes: maxBytes } = this.#options;
    try {
      for await (const { event, data } of eventsOf(stream, { maxBytes, signal: this.#closing.signal })) {
        if (event === 'endpoint') this.#tellEndpoint.resolve(this.#endpointIn(data));
        else if (data !== '' && (event === undefined || event === 'message')) this.#take(data);
      }
      throw new Error('the event stream has ended');
    } catch (error) {
      this.#tellEndpoint.reject(error);
      if (this.#isClosed) return;
      this.#isClosed = true;
      listener.report(error);
      if (error instanceof UnreadableAnswerError)
        for (const id of this.#waiting) listener.deliver(unreadableAnswer(id, error));
      listener.closed();
    }
  }

  #take(data: string): void {
    const { listener } = this.#options;
    try {
      const message = readMessage(JSON.parse(data));
      const answered = answeredId(message);
      if (answered !== undefined) this.#waiting.delete(asSent(answered));
      listener.deliver(message);
    } catch (error) {
      listener.report(error);
    }
  }

  /** Messages, and what authorizes them, go to the origin that was connected to. */
  #endpointIn(data: string): URL {
    const { url: own } = this.#options.requests;
    const url = new URL(data, own);
    if (url.origin !== own.origin)
      throw new Error(`its endpoint is at ${url.origin}, which is another origin than ${own.origin}`);
    return url;
  }
}
