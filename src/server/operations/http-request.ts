import { lookup as lookupName } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { defineOperation, OperationError } from '../operation.js';
import { exchange, type HttpResult } from './http-exchange.js';
import { httpRequestInput } from './http-request-input.js';
import { type OutgoingRequest, redirected } from './redirect.js';
import type { RequestPolicy } from './request-policy.js';

const MOST_REDIRECTS = 5;

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
      for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
        const answer = await exchange(request, { policy, lookup, context });
        if (answer.kind === 'result') return answer.result;
        request = redirected(request, answer.status, answer.url);
      }
      throw new OperationError('TOO_MANY_REDIRECTS', `Gave up after ${MOST_REDIRECTS} redirects`);
    },
  });
}
