import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { RequestOptions as RequestOptionsOfSdk } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  ErrorCode,
  type JSONRPCNotification,
  type JSONRPCRequest,
  McpError,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import { AwaitError, ConfigurationError } from '../../errors.js';
import { excerpt } from '../../protocols/excerpt.js';
import type { Port, RequestOptions } from '../../protocols/protocol.js';
import { toolResultSchema } from '../../protocols/readable-result.js';
import { LightSignal } from '../../time/signals.js';
import { IdleTimer } from '../../time/sleep.js';

type ClientRequest = Parameters<Client['request']>[0];

/** Disables the SDK's own time-out, which would run on while a question is answered. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Settles when a request can be sent; undefined when it can be sent now. */
export type Ready = (signal: AbortSignal) => Promise<unknown> | undefined;

interface PortOptions {
  readonly ready?: Ready | undefined;
  /** When somebody else than the server was last waited for, on the clock of `performance.now()`: that is no silence. */
  readonly lastSignAt?: (() => number) | undefined;
}

/** The port on a connected v1 client of @modelcontextprotocol/sdk. */
export function sdkPort(client: Client, { ready, lastSignAt }: PortOptions = {}): Port {
  const request = async <Schema extends z.ZodType>(
    request: object,
    schema: Schema,
    { signal, timeoutMs, onProgress }: RequestOptions,
  ) => {
    // The wait for a connection is outside the time-out of the request, because nothing has been sent yet.
    const connecting = ready?.(signal);
    if (connecting !== undefined) await connecting;
    signal.throwIfAborted();
    // Each request has its own signal: the SDK never removes its abort listener, and would cancel requests that have ended.
    const own = new LightSignal();
    const onAbort = () => own.abort(signal.reason);
    using timer = new IdleTimer({
      limitMs: timeoutMs,
      lastSignAt,
      onIdle: () => own.abort(new McpError(ErrorCode.RequestTimeout, 'Request timed out')),
    });
    signal.addEventListener('abort', onAbort);
    try {
      const options = sdkOptions(own, onProgress, timer);
      return await client.request(request as ClientRequest, schema, options).catch(throwOwn);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  };
  return {
    request,
    // Not the SDK's `callTool`, which loses a result that does not fit the output schema.
    async callTool(call, options) {
      const { signal, timeoutMs, onProgress } = options;
      const sent = { method: 'tools/call', params: { ...call } };
      if (timeoutMs !== Number.POSITIVE_INFINITY) return request(sent, toolResultSchema, options);
      // The signal serves this one request, and no silence ends it: the SDK may have it.
      const connecting = ready?.(signal);
      if (connecting !== undefined) await connecting;
      return client
        .request(sent as ClientRequest, toolResultSchema, sdkOptions(signal, onProgress))
        .catch(throwOwn);
    },
  };
}

/** @param silence ended by each progress */
function sdkOptions(
  signal: AbortSignal,
  onProgress: RequestOptions['onProgress'],
  silence?: IdleTimer,
): RequestOptionsOfSdk {
  if (onProgress === undefined) return { signal, timeout: MAX_TIMEOUT_MS };
  return {
    signal,
    timeout: MAX_TIMEOUT_MS,
    resetTimeoutOnProgress: true,
    onprogress({ progress, total, message }) {
      silence?.sign();
      // The SDK passes an absent field as undefined.
      onProgress({
        progress,
        ...(total !== undefined && { total }),
        ...(message !== undefined && { message }),
      });
    },
  };
}

/** Hears messages of a client's transport before they go on. */
interface MessageListener {
  received(message: JSONRPCRequest | JSONRPCNotification): void;
  /** The client has answered a request of the server. */
  answered(id: RequestId | undefined): void;
}

/** Shows messages of the client's present transport. A handler that is set on the client would replace the user's own. */
export function tapMessages({ transport }: Client, listener: MessageListener): void {
  const deliver = transport?.onmessage;
  if (transport === undefined || deliver === undefined) return;
  const send = transport.send.bind(transport);
  transport.onmessage = (message, extra) => {
    if ('method' in message) listener.received(message);
    deliver(message, extra);
  };
  transport.send = (message, options) => {
    if (!('method' in message)) listener.answered(message.id);
    return send(message, options);
  };
}

/** The transport can only answer with JSON-RPC errors, so an error of ours is the data of one. */
function throwOwn(error: unknown): never {
  if (error instanceof TypeError && /BigInt|circular structure/.test(error.message)) {
    throw new ConfigurationError(
      `The arguments cannot be sent as JSON, and nothing was sent: ${excerpt(error.message)}. Give an integer that is too large for a number as a string.`,
      { cause: error },
    );
  }
  throw error instanceof McpError && error.data instanceof AwaitError ? error.data : error;
}
