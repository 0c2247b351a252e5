import type { Buffer } from 'node:buffer';
import { lookup as lookupName } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Response } from 'undici';
import { z } from 'zod';
import { isDeeper } from '../../storage/large-json.js';
import { defineOperation, type OperationContext, OperationError } from '../operation.js';
import { causeCode, causes, type GuardedRequest, guardedFetch, readUpTo } from '../outbound/guarded-fetch.js';
import { type OutgoingRequest, redirected, redirectTarget } from './redirect.js';
import { addressRefusal, mayBePrivate, type RequestPolicy, urlRefusal } from './request-policy.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** What belongs to the connection, and what says where the request goes. */
const REFUSED_HEADER =
  /^(?:host|connection|content-length|expect|keep-alive|te|trailer|transfer-encoding|upgrade|proxy-.*)$/i;

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;

const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

const fields = z.object({
  url: z.string().describe('An http or https URL'),
  method: z.enum(METHODS).default('GET'),
  headers: z.record(z.string(), z.string()).default({}),
  body: z
    .union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())])
    .optional()
    .describe('Sent as it is when a string, else as JSON'),
});

type Fields = z.output<typeof fields>;

const MAX_REDIRECTS = 5;

export interface HttpRequestOptions {
  /**
   * Let requests reach loopback, private and other addresses that are not on the public internet.
   * @default false
   */
  readonly allowPrivate?: boolean | undefined;
  /**
   * Hosts that may have such addresses all the same, with or without a port: `['ci.internal', '10.0.0.5:8080']`.
   * @default []
   */
  readonly allowHosts?: readonly string[] | undefined;
  /**
   * Longest response body, in bytes.
   * @default 4194304 (4 MiB)
   */
  readonly maxResponseBytes?: number | undefined;
  /** How names become addresses. @default `dns.lookup` */
  readonly lookup?: LookupFunction | undefined;
}

/**
 * Calls an HTTP API. Returns {status, headers, body, encoding, json?} of a 2xx response; anything else fails the
 * task. Follows up to five redirects, and takes nothing but harmless headers along to another origin.
 */
export function httpRequest(options: HttpRequestOptions = {}) {
  const lookup = options.lookup ?? lookupName;
  const policy: RequestPolicy = {
    allowPrivate: options.allowPrivate ?? false,
    allowHosts: options.allowHosts ?? [],
    maxResponseBytes: options.maxResponseBytes ?? 4 * 1024 * 1024,
  };
  return defineOperation({
    name: 'http_request',
    description:
      'Calls an HTTP API, however long it takes to answer, and returns {status, headers, body, encoding, json?}. ' +
      'A status other than 2xx fails the task.',
    input: httpRequestInput(policy),
    slaSeconds: 900,
    async run({ url, method, headers, body, policy }, context): Promise<HttpResult> {
      let request: OutgoingRequest = { url: new URL(url), method, headers, body };
      for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
        const answer = await exchange(request, { policy, lookup, context });
        if (answer.kind === 'result') return answer.result;
        request = redirected(request, answer.status, answer.url);
      }
      throw new OperationError('TOO_MANY_REDIRECTS', `Gave up after ${MAX_REDIRECTS} redirects`);
    },
  });
}

/** Its output carries the policy, so that a worker elsewhere obeys the server that took the call. */
function httpRequestInput(policy: RequestPolicy) {
  return fields.transform((input, context) => {
    const problem = problemOf(input, policy);
    if (problem === undefined) return { ...withEncodedBody(input), policy };
    // Without `input`: an issue may be logged, and a URL or header may hold a secret.
    context.issues.push({ code: 'custom', input: undefined, ...problem });
    return z.NEVER;
  });
}

function problemOf(
  { url, method, headers, body }: Fields,
  policy: RequestPolicy,
): { readonly path: string[]; readonly message: string } | undefined {
  if (!URL.canParse(url)) return { path: ['url'], message: 'Expected `url` to be an absolute URL' };
  const refusal = urlRefusal(new URL(url), policy);
  if (refusal !== undefined) return { path: ['url'], message: refusal };
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    return { path: ['body'], message: `Expected no \`body\` with ${method}` };
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!HEADER_NAME.test(name) || REFUSED_HEADER.test(name) || !HEADER_VALUE.test(value)) {
      return { path: ['headers', name], message: `Header ${JSON.stringify(name)} cannot be sent` };
    }
  }
  return undefined;
}

function withEncodedBody({ url, method, headers, body }: Fields) {
  if (body === undefined || typeof body === 'string') return { url, method, headers, body };
  const typed = Object.keys(headers).some(name => name.toLowerCase() === 'content-type');
  return {
    url,
    method,
    headers: typed ? headers : { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
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

interface ExchangeOptions {
  readonly policy: RequestPolicy;
  readonly lookup: LookupFunction;
  readonly context: Pick<OperationContext, 'signal' | 'progress'>;
}

interface HttpResult extends DecodedBody {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

type Answer =
  | { readonly kind: 'redirect'; readonly status: number; readonly url: URL }
  | { readonly kind: 'result'; readonly result: HttpResult };

/**
 * Sends one request and reads the answer.
 * @throws OperationError for everything but a 2xx or a redirect; the signal's reason when it aborts.
 */
async function exchange(request: OutgoingRequest, options: ExchangeOptions): Promise<Answer> {
  const { policy, lookup, context } = options;
  const refusal = urlRefusal(request.url, policy);
  if (refusal !== undefined) throw new OperationError('ADDRESS_REFUSED', refusal);
  const guarded: GuardedRequest = {
    ...request,
    body: request.body ?? null,
    signal: context.signal,
    publicOnly: !mayBePrivate(request.url, policy),
    lookup,
    refuse: (hostname, range) => new OperationError('ADDRESS_REFUSED', addressRefusal(hostname, range)),
  };
  try {
    return await guardedFetch(guarded, async response => {
      const url = redirectTarget(response.status, response.headers.get('location'), request.url);
      if (url !== undefined) return { kind: 'redirect', status: response.status, url };
      if (!response.ok) throw await httpError(request, response);
      return { kind: 'result', result: await readResult(response, options) };
    });
  } catch (error) {
    context.signal.throwIfAborted();
    throw toOperationError(error, request);
  }
}

async function readResult(response: Response, { policy, context }: ExchangeOptions): Promise<HttpResult> {
  const { status, headers } = response;
  const length = headers.has('content-encoding') ? 0 : Number(headers.get('content-length') ?? 0);
  const total = length > 0 ? length : undefined;
  const { bytes, isWhole } = await readUpTo(response, {
    maxBytes: policy.maxResponseBytes,
    onProgress: current => context.progress({ current, total, message: `${current} bytes received` }),
  });
  if (!isWhole) throw tooLarge(policy);
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

function tooLarge({ maxResponseBytes }: RequestPolicy): OperationError {
  const message = `The response is larger than the limit of ${maxResponseBytes} bytes`;
  return new OperationError('RESPONSE_TOO_LARGE', message);
}

/** The first `characters` of a body on one line, for a message. */
async function readExcerpt(response: Response, characters: number): Promise<string> {
  // A character has up to four bytes.
  const { bytes } = await readUpTo(response, { maxBytes: characters * 4 });
  return bytes.toString().replace(/\s+/g, ' ').trim().slice(0, characters);
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
