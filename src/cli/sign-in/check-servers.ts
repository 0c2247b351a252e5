import { isIP } from 'node:net';
import type { OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import ipaddr from 'ipaddr.js';

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
