import type { Dispatcher } from 'undici';
import { proxyFor } from './proxy.js';
import { basicCredentials, withoutCredentials } from './url-parts.js';

/** undici's own limits of 300 s are disabled, because they would cut a silent answer; our options limit the wait. */
const NO_LIMITS = { headersTimeout: 0, bodyTimeout: 0 };
/**
 * A connection over which nothing comes is probed from now on. The operating system says when it is dead: Linux after nine
 * probes in 75 s each, so that a peer that has vanished ends its calls after 12 minutes.
 */
const KEEP_ALIVE_AFTER_MS = 30_000;

/** What carries requests to a URL: straight, or through the proxy that the environment names. */
export async function openAgent(url: URL): Promise<Dispatcher> {
  const { Agent, Pool, ProxyAgent } = await import('undici');
  const proxy = proxyFor(url, process.env);
  if (proxy === undefined)
    return new Agent({
      ...NO_LIMITS,
      connect: { keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS },
    });
  const isSocks = proxy.url.protocol === 'socks5:';
  const token = basicCredentials(proxy.url);
  return new ProxyAgent({
    ...NO_LIMITS,
    // Errors show where they come from. A SOCKS proxy takes the credentials from its URL.
    uri: (isSocks ? proxy.url : withoutCredentials(proxy.url)).href,
    ...(token !== undefined && !isSocks && { token }),
    // Many proxies let tunnels pass to port 443 only.
    proxyTunnel: false,
    factory: (origin: URL, options: object) => new Pool(origin, { ...options, ...NO_LIMITS }),
  });
}
