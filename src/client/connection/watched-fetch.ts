import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  JSONRPCErrorResponseSchema,
  type JSONRPCMessage,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js';
import type { Agent, Response as UndiciResponse, fetch as undiciFetch } from 'undici';
import { excerpt } from '../../protocols/excerpt.js';
import { isRecord } from '../../protocols/tool-result.js';
import { parseRetryAfter } from '../../time/retry-after.js';
import type { RequestExtender, RequestExtension } from './client-transport.js';
import { LostContactError } from './lost-contact.js';
import { isRequest } from './message-kind.js';

/** Called with the id of a request when the stream that answers it has ended. */
export type AnswerEndListener = (id: RequestId) => void;

/** The server asks to send the request again later, and not before this time. */
export class PostponedError extends StreamableHTTPError {
  readonly retryAfterMs: number;

  constructor(status: number, text: string, retryAfterMs: number) {
    super(status, `Error POSTing to endpoint: ${text}`);
    this.retryAfterMs = retryAfterMs;
  }
}

export interface WatchedFetchOptions {
  readonly fetch: typeof undiciFetch;
  readonly agent: Agent;
  readonly onAnswerEnd: AnswerEndListener;
  readonly extend: RequestExtender;
  /** Sends a request with a token, and again with another where it is refused; undefined to send none. */
  readonly authorize:
    | ((
        send: (token: string | undefined) => Promise<UndiciResponse>,
        isLast: boolean,
      ) => Promise<UndiciResponse>)
    | undefined;
}

/** Statuses that are for the SDK's transport to deal with. */
const AUTHORIZATION = new Set([401, 403]);
/** Statuses that come with `Retry-After` (RFC 9110, 15.6.4; RFC 6585, 4). */
const POSTPONING = new Set([429, 503]);

/** A fetch for the SDK's transport, which tells what the SDK does not: how long to wait, and that an answer is over. */
export function watchedFetch({
  fetch,
  agent,
  onAnswerEnd,
  extend,
  authorize,
}: WatchedFetchOptions): FetchLike {
  const watched = async (input: string | URL, init?: RequestInit): Promise<UndiciResponse> => {
    const message = init?.method === 'POST' ? messageIn(init.body) : undefined;
    const extension = message && extend(message);
    const send = (token: string | undefined) =>
      fetch(input, {
        ...(init as object),
        ...({ headers: headersOf(init, extension, token) } as object),
        // The SDK gives every request the one signal of the transport, on which fetch would gather a listener a request:
        // destroying the agent ends them all.
        signal: extension?.signal ?? null,
        dispatcher: agent,
      });
    // Who says goodbye sends nobody to authorize.
    const response = await (authorize?.(send, init?.method === 'DELETE') ?? send(undefined));
    await refusePostponed(response);
    if (message === undefined || !isRequest(message)) return response;
    if (response.ok && isJson(response)) return await wholeAnswer(response);
    const readable = extension === undefined ? response : await withErrorAsMessage(response, message.id);
    return watchAnswer(readable, () => onAnswerEnd(message.id));
  };
  // undici's types of fetch are its own; the implementation is the one that Node ships.
  return watched as unknown as FetchLike;
}

function headersOf(
  init: RequestInit | undefined,
  extension: RequestExtension | undefined,
  token: string | undefined,
): RequestInit['headers'] {
  if (extension === undefined && token === undefined) return init?.headers;
  const headers = new Headers(init?.headers);
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  if (extension === undefined) return headers;
  for (const [name, value] of Object.entries(extension.headers)) headers.set(name, value);
  headers.delete('mcp-session-id');
  return headers;
}

function isJson({ headers }: UndiciResponse): boolean {
  return headers.get('content-type')?.includes('json') === true;
}

/** An answer that ends too early is no answer, where the SDK would say that it cannot be read. @throws LostContactError */
async function wholeAnswer(response: UndiciResponse): Promise<UndiciResponse> {
  const text = await response.text();
  const parsed = withoutNullMeta(parse(text));
  if (parsed === undefined && text.trimStart().startsWith('{'))
    throw new LostContactError('the answer broke off');
  const Response = response.constructor as typeof UndiciResponse;
  const whole = new Response(text, { status: response.status, headers: response.headers });
  // Long results are not read twice.
  return parsed === undefined ? whole : Object.defineProperty(whole, 'json', { value: async () => parsed });
}

/** Some serializers write null for what is absent, which the SDK refuses. */
function withoutNullMeta(message: unknown): unknown {
  if (!isRecord(message) || !isRecord(message.result) || message.result._meta !== null) return message;
  const { _meta, ...result } = message.result;
  return { ...message, result };
}

/** The SDK throws away the body of an HTTP error, in which the newer generation answers with JSON-RPC errors. */
async function withErrorAsMessage(response: UndiciResponse, id: RequestId): Promise<UndiciResponse> {
  const { ok, status, headers } = response;
  if (ok || AUTHORIZATION.has(status) || !isJson(response)) return response;
  const text = await response.text();
  const Response = response.constructor as typeof UndiciResponse;
  const error = errorIn(text);
  if (error === undefined) return new Response(text, { status, headers });
  return new Response(JSON.stringify({ jsonrpc: '2.0', id, error }), {
    status: 200,
    headers: { 'content-type': 'application/json' },
  });
}

function errorIn(text: string): unknown {
  const body = parse(text);
  return JSONRPCErrorResponseSchema.shape.error.safeParse(isRecord(body) ? body.error : undefined).data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function refusePostponed(response: UndiciResponse): Promise<void> {
  if (!POSTPONING.has(response.status)) return;
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), Date.now());
  if (retryAfterMs === undefined) return;
  const text = await response.text().catch(() => '');
  throw new PostponedError(response.status, excerpt(text), retryAfterMs);
}

/**
 * The response, with word when its event stream is over: the SDK lets a request wait for its whole time when the stream
 * breaks off before the answer. A stream whose events have ids it takes up again by itself.
 */
function watchAnswer(response: UndiciResponse, onEnd: () => void): UndiciResponse {
  const { body, status, statusText, headers } = response;
  if (body === null || !headers.get('content-type')?.startsWith('text/event-stream')) return response;
  const decoder = new TextDecoder();
  let isResumable = false;
  async function* chunks(source: AsyncIterable<Uint8Array>) {
    try {
      for await (const chunk of source) {
        isResumable ||= /^id:/m.test(decoder.decode(chunk.subarray(0, 1024), { stream: true }));
        yield chunk;
      }
    } finally {
      if (!isResumable) onEnd();
    }
  }
  const Response = response.constructor as typeof UndiciResponse;
  return new Response(ReadableStream.from(chunks(body)), { status, statusText, headers });
}

/** Only what the SDK's transport sends: one message as JSON text. */
function messageIn(body: unknown): JSONRPCMessage | undefined {
  return typeof body === 'string' ? JSON.parse(body) : undefined;
}
