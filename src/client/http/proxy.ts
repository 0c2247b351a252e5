import { BlockList, isIP } from 'node:net';
import type { Dispatcher } from 'undici';
import { ConfigurationError } from '../../errors.js';
import { basicCredentials, withoutCredentials } from './url-parts.js';

export interface Proxy {
  readonly url: URL;
  /** The environment variable that names it. */
  readonly variable: string;
}

const USUAL_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
const SCHEMES = new Set(['http:', 'https:', 'socks5:']);

/**
 * The proxy for a URL, as curl chooses it: `http_proxy` or `https_proxy`, else `all_proxy`, in lower case or in upper, unless
 * `no_proxy` names the host. Loopback is a host like any other.
 * @throws ConfigurationError when the variable holds no proxy
 */
export function proxyFor(url: URL, environment: NodeJS.ProcessEnv): Proxy | undefined {
  const scheme = url.protocol.slice(0, -1);
  const variable = [`${scheme}_proxy`, 'all_proxy']
    .flatMap(name => [name, name.toUpperCase()])
    .find(name => (environment[name] ?? '') !== '');
  if (variable === undefined) return undefined;
  const without = environment.no_proxy || environment.NO_PROXY || '';
  if (isListed(url, without)) return undefined;
  return { variable, url: proxyUrl(environment[variable] ?? '', variable) };
}

/** A proxy for a message: its origin, without what may be secret. */
export function describeProxy({ url, variable }: Proxy): string {
  return `the proxy ${url.protocol}//${url.host} (\`${variable}\`)`;
}

function proxyUrl(text: string, variable: string): URL {
  // As curl takes it: `host:port` is an HTTP proxy; `socks5h` resolves names at the proxy, as we always do.
  const whole = /^[a-z][a-z\d+.-]*:\/\//i.test(text)
    ? text.replace(/^socks(5h)?:/i, 'socks5:')
    : `http://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url !== undefined && SCHEMES.has(url.protocol)) return url;
  throw new ConfigurationError(
    `Expected the environment variable \`${variable}\` to be the URL of a proxy, such as http://host:3128 or socks5://host:1080.`,
  );
}

function isListed(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const port = url.port || USUAL_PORTS[url.protocol];
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some(entry => {
      if (entry === '') return false;
      if (entry === '*') return true;
      const { name = entry, onPort } = /^(?<name>\[.*\]|[^:]*):(?<onPort>\d+)$/.exec(entry)?.groups ?? {};
      if (onPort !== undefined && onPort !== port) return false;
      return isWithin(host, name.replace(/^\[(.*)\]$/, '$1'));
    });
}

function isWithin(host: string, name: string): boolean {
  const [network = '', prefix] = name.split('/');
  if (prefix !== undefined) return isInSubnet(host, network, Number(prefix));
  const domain = name.replace(/^\*?\./, '');
  return host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`));
}

function isInSubnet(host: string, network: string, prefix: number): boolean {
  const version = isIP(network);
  if (version === 0 || version !== isIP(host)) return false;
  if (!(Number.isInteger(prefix) && prefix >= 0 && prefix <= (version === 4 ? 32 : 128))) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const subnet = new BlockList();
  subnet.addSubnet(network, prefix, family);
  return subnet.check(host, family);
}

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
