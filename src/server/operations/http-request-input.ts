import { z } from 'zod';
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

/** Its output carries the policy, so that a worker elsewhere obeys the server that took the call. */
export function httpRequestInput(policy: RequestPolicy) {
  return fields.transform((input, context) => {
    const problem = problemOf(input, policy);
    if (problem === undefined) return { ...withEncodedBody(input), policy };
    // Without `input`: an issue may be logged, and a URL or header may hold a secret.
    context.issues.push({ code: 'custom', input: undefined, ...problem });
    return z.NEVER;
  });
}

type Fields = z.output<typeof fields>;

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
