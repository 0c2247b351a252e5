import { ConfigurationError } from '../../errors.js';
import { bareHostname, isAddress, nonPublicRange } from '../outbound/public-address.js';

const MAX_URL = 2048;

/** Where messages may go. */
export interface DestinationPolicy {
  /** Undefined: to any host. */
  readonly allowedHosts: readonly HostPattern[] | undefined;
  readonly allowPrivate: boolean;
  readonly allowHttp: boolean;
}

export interface HostPattern {
  readonly hostname: string;
  /** Undefined: any port. */
  readonly port: string | undefined;
  /** Whether it stands for all names below `hostname`, and not for `hostname` itself. */
  readonly below: boolean;
}

/** @throws ConfigurationError when it is neither a host nor `*.` and a host, each with or without a port */
export function parseHostPattern(pattern: string): HostPattern {
  const below = pattern.startsWith('*.');
  const host = below ? pattern.slice(2) : pattern;
  if (/[\s*/?#@\\]/.test(host) || !URL.canParse(`https://${host}`)) {
    throw new ConfigurationError(
      `Expected a webhook host such as hooks.example.com, *.example.com or hooks.example.com:8443, got ${JSON.stringify(pattern)}`,
    );
  }
  const url = new URL(`https://${host}`);
  const port = url.port || (/:0*443$/.test(host) ? '443' : undefined);
  return { hostname: bareHostname(url), port, below };
}

/** Why no message may go to a URL; undefined when it may. Never repeats the URL: its path and query may be secret. */
export function destinationRefusal(text: string, policy: DestinationPolicy): string | undefined {
  if (text.length > MAX_URL) return `the URL is longer than ${MAX_URL} characters`;
  if (!URL.canParse(text)) return 'it is no absolute URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(policy.allowHttp && url.protocol === 'http:')) {
    return policy.allowHttp
      ? `expected an https or http URL, got ${url.protocol}`
      : `expected an https URL, got ${url.protocol}`;
  }
  if (url.username !== '' || url.password !== '') {
    return 'the URL has a user name or password; messages are signed, so the receiver needs none';
  }
  const { allowedHosts, allowPrivate } = policy;
  if (allowedHosts !== undefined && !allowedHosts.some(pattern => matches(pattern, url))) {
    return `${url.host} is not on the operator's list of webhook hosts`;
  }
  const range = allowPrivate ? undefined : namedRange(bareHostname(url));
  return range && privateRefusal(url.hostname, range);
}

export function privateRefusal(hostname: string, range: string): string {
  return `${hostname} is not on the public internet (${range}); the operator can allow it with --webhook-allow-private`;
}

function matches({ hostname, port, below }: HostPattern, url: URL): boolean {
  if (port !== undefined && port !== (url.port || (url.protocol === 'https:' ? '443' : '80'))) return false;
  const actual = bareHostname(url);
  return below ? actual.endsWith(`.${hostname}`) : actual === hostname;
}

/** The range of an address, or of a name that is loopback by its nature (RFC 6761, 6.3). */
function namedRange(hostname: string): string | undefined {
  if (isAddress(hostname)) return nonPublicRange(hostname);
  return hostname === 'localhost' || hostname.endsWith('.localhost') ? 'loopback' : undefined;
}
