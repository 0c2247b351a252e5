import { isIP } from 'node:net';
import type { OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import ipaddr from 'ipaddr.js';
import { excerpt } from '../../protocols/excerpt.js';

/** The answer to a redirect brings no code. */
export class RedirectAnswerError extends Error {
  override readonly name = 'RedirectAnswerError';
}

/** Where a person was sent to authorize. */
export interface Redirect {
  readonly url: URL;
  /** What was known of the authorization server then. */
  readonly server: OAuthDiscoveryState | undefined;
}

/**
 * Whether the URL that a person came back to is the answer to this redirect. Before its error is believed, too (RFC 9207,
 * section 2.4).
 * @throws RedirectAnswerError that says why it is not
 */
export function checkAnswer(answer: URL, { url, server }: Redirect): void {
  const given = answer.searchParams;
  const metadata = server?.authorizationServerMetadata;
  if (given.get('state') !== url.searchParams.get('state'))
    throw new RedirectAnswerError('the answer is not to this request (its `state` is another one)');
  const issuer = given.get('iss');
  if (issuer === null ? tellsIssuer(metadata) : issuer !== metadata?.issuer)
    throw new RedirectAnswerError(
      `the answer is not from the authorization server ${excerpt(metadata?.issuer ?? '')} (its \`iss\` is ${issuer === null ? 'missing' : 'another one'})`,
    );
}

/**
 * The code in the answer to a redirect.
 * @throws RedirectAnswerError that says why there is none
 */
export function codeIn({ searchParams: given }: URL): string {
  const error = given.get('error');
  if (error !== null) {
    const description = given.get('error_description');
    throw new RedirectAnswerError(excerpt(description === null ? error : `${error}: ${description}`));
  }
  const code = given.get('code');
  if (code === null || code === '') throw new RedirectAnswerError('the answer has no `code`');
  return code;
}

/** @param metadata as they came: the SDK's types do not know of it */
function tellsIssuer(metadata: Readonly<Record<string, unknown>> | undefined): boolean {
  return metadata?.authorization_response_iss_parameter_supported === true;
}

/**
 * Rejects metadata whose issuer is not the server that they were fetched from (RFC 8414, section 3.3).
 * @throws Error that says so
 */
export function checkIssuer({ authorizationServerUrl, ...state }: OAuthDiscoveryState): void {
  const { resourceMetadata, authorizationServerMetadata: metadata } = state;
  if (resourceMetadata === undefined || metadata === undefined) return;
  if (withoutSlash(metadata.issuer) === withoutSlash(authorizationServerUrl)) return;
  throw new Error(
    `the authorization server ${excerpt(authorizationServerUrl)} says that it is ${excerpt(metadata.issuer)}`,
  );
}

/** The SDK parses URLs, which adds one. */
export function withoutSlash(url: string): string {
  return url.replace(/\/$/, '');
}

/**
 * Rejects an authorization server to which nothing secret may be sent: one that is spoken to without TLS, and one on this
 * machine or in a private network that a public server names.
 * @throws Error that says so
 */
export function checkServers(
  server: URL,
  { authorizationServerUrl, authorizationServerMetadata: metadata }: OAuthDiscoveryState,
): void {
  const urls = [
    authorizationServerUrl,
    metadata?.authorization_endpoint,
    metadata?.token_endpoint,
    metadata?.registration_endpoint,
  ];
  for (const text of urls) {
    if (text === undefined) continue;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined) throw new Error('its authorization server has an address that is none');
    const range = rangeOf(url);
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && range === 'loopback'))
      throw new Error(`the authorization server ${url.origin} is not spoken to over https`);
    if (range !== undefined && range !== 'unicast' && rangeOf(server) !== range)
      throw new Error(
        `the server names the address ${url.origin} (${range}), which is none of its own network`,
      );
  }
}

/** The range of an address, such as `loopback` or `private`; undefined of a name, which only the lookup tells. */
function rangeOf({ hostname }: URL): string | undefined {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (host === 'localhost' || host.endsWith('.localhost')) return 'loopback';
  return isIP(host) === 0 ? undefined : ipaddr.process(host).range();
}
