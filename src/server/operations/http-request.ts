import { lookup as lookupName } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { z } from 'zod';
import { defineOperation, OperationError } from '../operation.js';
import { exchange, type HttpResult } from './http-exchange.js';
import { type OutgoingRequest, redirected } from './redirect.js';
import { type RequestPolicy, urlRefusal } from './request-policy.js';

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
