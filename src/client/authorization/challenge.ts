import {
  extractWWWAuthenticateParams,
  type OAuthDiscoveryState,
} from '@modelcontextprotocol/sdk/client/auth.js';

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

/** What is known of the scope besides the challenge. */
export interface ScopeFacts {
  /** What the user wants, whatever the server asks for. */
  readonly wanted?: string | undefined;
  /** What was granted or asked for before. */
  readonly before: readonly (string | undefined)[];
  /** Where a person is sent: what the authorization server and the server tell of scopes. */
  readonly server?: OAuthDiscoveryState | undefined;
}

/** Asks for a refresh token, at authorization servers that name it (OpenID Connect Core, section 11). */
const OFFLINE = 'offline_access';

/**
 * The scope to ask for: what the challenge says, and where it wants more than before, also what was granted before
 * (spec 2026-07-28, authorization, "Scope Challenge Handling").
 */
export function scopeFor(
  { status, scope }: Challenge,
  { wanted, before, server }: ScopeFacts,
): string | undefined {
  const words = (...texts: readonly (string | undefined)[]) =>
    [...new Set(texts.flatMap(each => each?.split(' ') ?? []))].filter(word => word !== '').join(' ');
  if (status === 403) return scope === undefined ? undefined : words(wanted, ...before, scope);
  const asked = wanted ?? scope;
  if (!server?.authorizationServerMetadata?.scopes_supported?.includes(OFFLINE)) return asked;
  return words(asked ?? server.resourceMetadata?.scopes_supported?.join(' '), OFFLINE);
}
