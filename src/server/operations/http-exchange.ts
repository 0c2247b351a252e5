import { Buffer } from 'node:buffer';
import type { LookupFunction } from 'node:net';
import type { Response } from 'undici';
import { isDeeper } from '../../storage/large-json.js';
import { type OperationContext, OperationError } from '../operation.js';
import { causeCode, causes } from '../outbound/failure-causes.js';
import { createGuardedAgent } from '../outbound/guarded-agent.js';
import { type OutgoingRequest, redirectTarget } from './redirect.js';
import { addressRefusal, mayBePrivate, type RequestPolicy, urlRefusal } from './request-policy.js';

interface ReadBodyOptions {
  readonly maxBytes: number;
  onProgress(bytes: number): void;
}

interface ReadBytes {
  readonly bytes: Buffer;
  readonly complete: boolean;
}

interface DecodedBody {
  readonly body: string;
  readonly encoding: 'text' | 'base64';
  /** Present when the content type is JSON and the body really is. */
  readonly json?: unknown;
}

/** Of a result that every client can read. */
const MAX_DEPTH = 500;

const EXCERPT_CHARACTERS = 300;

export interface ExchangeOptions {
  readonly policy: RequestPolicy;
  readonly lookup: LookupFunction;
  readonly context: Pick<OperationContext, 'signal' | 'progress'>;
}

export interface HttpResult extends DecodedBody {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

export type Answer =
  | { readonly kind: 'redirect'; readonly status: number; readonly url: URL }
  | { readonly kind: 'result'; readonly result: HttpResult };

/**
 * Sends one request and reads the answer.
 * @throws OperationError for everything but a 2xx or a redirect; the signal's reason when it aborts.
 */
export async function exchange(request: OutgoingRequest, options: ExchangeOptions): Promise<Answer> {
  const { policy, lookup, context } = options;
  const refusal = urlRefusal(request.url, policy);
  if (refusal !== undefined) throw new OperationError('ADDRESS_REFUSED', refusal);
  // With the first request, not with the server.
  const { fetch } = await import('undici');
  const agent = await createGuardedAgent({
    publicOnly: !mayBePrivate(request.url, policy),
    lookup,
    refuse: (hostname, range) => new OperationError('ADDRESS_REFUSED', addressRefusal(hostname, range)),
  });
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body ?? null,
      redirect: 'manual',
      dispatcher: agent,
      signal: context.signal,
    });
    const url = redirectTarget(response.status, response.headers.get('location'), request.url);
    if (url !== undefined) return { kind: 'redirect', status: response.status, url };
    if (!response.ok) throw await httpError(request, response);
    return { kind: 'result', result: await readResult(response, options) };
  } catch (error) {
    context.signal.throwIfAborted();
    throw toOperationError(error, request);
  } finally {
    await agent.destroy();
  }
}

async function readResult(response: Response, { policy, context }: ExchangeOptions): Promise<HttpResult> {
  const { status, headers } = response;
  const length = headers.has('content-encoding') ? 0 : Number(headers.get('content-length') ?? 0);
  const bytes = await readBody(response, {
    maxBytes: policy.maxResponseBytes,
    onProgress: current =>
      context.progress({
        current,
        total: length > 0 ? length : undefined,
        message: `${current} bytes received`,
      }),
  });
  const decoded = decodeBody(bytes, headers.get('content-type'));
  const shown = [...headers].filter(([name]) => name !== 'set-cookie');
  return { status, headers: Object.fromEntries(shown), ...decoded };
}

async function httpError({ method, url }: OutgoingRequest, response: Response): Promise<OperationError> {
  const { status } = response;
  const excerpt = await readExcerpt(response, EXCERPT_CHARACTERS);
  const message = `${method} to ${url.host} was answered with status ${status}${excerpt && `: ${excerpt}`}`;
  return new OperationError('HTTP_ERROR', message, { retryable: status === 429 || status >= 500 });
}

/** Names the host and the cause's code only: path, query and headers may hold secrets. */
function toOperationError(error: unknown, { method, url }: OutgoingRequest): OperationError {
  const refused = causes(error).find(cause => cause instanceof OperationError);
  if (refused instanceof OperationError) return refused;
  const message = `${method} to ${url.host} failed: ${causeCode(error)}`;
  return new OperationError('REQUEST_FAILED', message, { retryable: true, cause: error });
}

/** @throws OperationError `RESPONSE_TOO_LARGE` as soon as more than `maxBytes` have come. */
async function readBody(response: Response, options: ReadBodyOptions): Promise<Buffer> {
  const { bytes, complete } = await readUpTo(response, options);
  if (complete) return bytes;
  throw new OperationError(
    'RESPONSE_TOO_LARGE',
    `The response is larger than the limit of ${options.maxBytes} bytes`,
  );
}

/** The first `characters` of a body on one line, for a message. */
async function readExcerpt(response: Response, characters: number): Promise<string> {
  // A character has up to four bytes.
  const { bytes } = await readUpTo(response, { maxBytes: characters * 4, onProgress: () => {} });
  return bytes.toString().replace(/\s+/g, ' ').trim().slice(0, characters);
}

async function readUpTo({ body }: Response, { maxBytes, onProgress }: ReadBodyOptions): Promise<ReadBytes> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > maxBytes) return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), complete: false };
    onProgress(size);
  }
  return { bytes: Buffer.concat(chunks), complete: true };
}

/** Text in the charset that the content type names (UTF-8 if none), or base64 when the bytes are not that. */
function decodeBody(bytes: Buffer, contentType: string | null): DecodedBody {
  const text = decodeText(bytes, contentType ?? '');
  if (text === undefined) return { body: bytes.toString('base64'), encoding: 'base64' };
  if (!/^\s*application\/(?:[^;\s]+\+)?json\s*(?:;|$)/i.test(contentType ?? '')) {
    return { body: text, encoding: 'text' };
  }
  const json = parsed(text);
  return { body: text, encoding: 'text', ...(json !== undefined && { json }) };
}

/** @returns undefined for what is no JSON, or is nested too deeply to be a result */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isDeeper(value, MAX_DEPTH) ? undefined : value;
  } catch {
    return undefined;
  }
}

function decodeText(bytes: Buffer, contentType: string): string | undefined {
  const charset = /;\s*charset="?([^";\s]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
