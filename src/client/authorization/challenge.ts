import { extractWWWAuthenticateParams } from '@modelcontextprotocol/sdk/client/auth.js';

/** What a server wants before it looks at a request (RFC 6750, section 3). */
export interface Challenge {
  /** 401: another token. 403: one that may do more. */
  readonly status: 401 | 403;
  /** The header as it came, to know the same challenge again. */
  readonly text: string;
  readonly scope: string | undefined;
  readonly resourceMetadataUrl: URL | undefined;
}

/** The challenge in a response; undefined where another token would not help. */
export function challengeIn(response: {
  readonly status: number;
  readonly headers: unknown;
}): Challenge | undefined {
  const { status } = response;
  if (status !== 401 && status !== 403) return undefined;
  // The SDK reads the headers of a response only, and any fetch has such headers.
  const { scope, resourceMetadataUrl, error } = extractWWWAuthenticateParams(response as Response);
  if (status === 403 && error !== 'insufficient_scope') return undefined;
  const text = (response as Response).headers.get('www-authenticate') ?? '';
  return { status, text, scope, resourceMetadataUrl };
}
