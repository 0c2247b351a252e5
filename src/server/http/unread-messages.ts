import { Buffer } from 'node:buffer';
import type { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { isJsonObject } from '../is-record.js';
import type { McpExchange } from './mcp-exchange.js';
import type { PendingExchange } from './pending-bytes.js';

/**
 * Counts the messages of a session until they are written: its transport keeps them in streams that have no limit. A result
 * that would be too much for its principal is answered with an error, and a notification is left out.
 */
export class UnreadMessages {
  readonly #byRequest = new Map<RequestId, PendingExchange>();
  /** The stream for what belongs to no request. */
  #standalone: PendingExchange | undefined;

  constructor(transport: Pick<StreamableHTTPServerTransport, 'send'>) {
    const send = transport.send.bind(transport);
    transport.send = async (message, options) => {
      const pending = this.#pendingOf(message, options?.relatedRequestId);
      if (!('method' in message) && message.id !== undefined) this.#byRequest.delete(message.id);
      if (pending === undefined || 'error' in message) return send(message, options);
      if (!pending.mayAnswer()) {
        if ('result' in message) return send(refusalOf(message.id, pending), options);
        // A request is answered by the client, and small.
        if (!('id' in message)) return;
      }
      pending.queued(Buffer.byteLength(JSON.stringify(message)));
      return send(message, options);
    };
  }

  /** The session's requests in this exchange are answered on its response. */
  follow({ request, response, body, pending }: McpExchange): void {
    if (request.method === 'GET') {
      this.#standalone = pending;
      return;
    }
    const ids = requestIds(body);
    for (const id of ids) this.#byRequest.set(id, pending);
    response.once('close', () => {
      for (const id of ids) if (this.#byRequest.get(id) === pending) this.#byRequest.delete(id);
    });
  }

  /** The ID of a request in a body that an earlier request has whose answer is not written yet. */
  repeated(body: unknown): RequestId | undefined {
    return requestIds(body).find(id => this.#byRequest.has(id));
  }

  #pendingOf(message: JSONRPCMessage, relatedId: RequestId | undefined): PendingExchange | undefined {
    const id = 'result' in message ? message.id : relatedId;
    return id === undefined ? this.#standalone : this.#byRequest.get(id);
  }
}

function requestIds(body: unknown): readonly RequestId[] {
  return [body]
    .flat()
    .filter(isJsonObject)
    .flatMap(({ id, method }) => (method === undefined ? [] : (id as RequestId)));
}

function refusalOf(id: RequestId, pending: PendingExchange): JSONRPCMessage {
  const { code, message } = pending.refusal();
  return { jsonrpc: '2.0', id, error: { code, message, data: { retryable: true } } };
}
