import ipaddr from 'ipaddr.js';

/** What this server may be called by. */
export interface HostPolicy {
  /** The address or name that the server is bound to. */
  readonly boundHost: string;
  /** Further names that clients may use, without port. */
  readonly allowedHosts: readonly string[];
  /** Further origins whose pages may call: `https://app.example.com`. */
  readonly allowedOrigins: readonly string[];
  /** Whether pages of this machine may call: any program here can serve one, on any port. */
  readonly localOrigins: boolean;
}

/** Whether only this machine can reach a server that is bound to `host`. */
export function isLoopback(host: string): boolean {
  const hostname = withoutBrackets(host).toLowerCase();
  return hostname === 'localhost' || rangeOf(hostname) === 'loopback';
}

/** Whether a server that is bound to `host` listens on all addresses. */
export function isWildcard(host: string): boolean {
  return rangeOf(withoutBrackets(host)) === 'unspecified';
}

/**
 * Whether a request came in under a name of this server. A page that makes its own name resolve to this machine
 * (DNS rebinding) sends that name.
 */
export function isAllowedHost(header: string | undefined, policy: HostPolicy): boolean {
  const hostname = hostnameOf(`http://${header}`);
  // More than a host and a port would be read differently elsewhere.
  if (hostname === undefined || header === undefined || /[/\\?#@\s]/.test(header)) return false;
  return isOurs(hostname, policy);
}

/**
 * Whether the page that sent a request to `host` may do so. What is not a browser sends no Origin (MCP specification,
 * basic/transports, "Security Warning").
 */
export function isAllowedOrigin(
  header: string | undefined,
  host: string | undefined,
  policy: HostPolicy,
): boolean {
  if (header === undefined) return true;
  if (policy.allowedOrigins.some(origin => origin.toLowerCase() === header.toLowerCase())) return true;
  const hostname = /^https?:\/\//i.test(header) ? hostnameOf(header) : undefined;
  if (hostname === undefined || !isOurs(hostname, policy)) return false;
  return (
    policy.localOrigins || !isLoopback(hostname) || header.toLowerCase() === `http://${host}`.toLowerCase()
  );
}

function isOurs(hostname: string, { boundHost, allowedHosts }: HostPolicy): boolean {
  if (isLoopback(hostname)) return true;
  const names = isWildcard(boundHost) ? allowedHosts : [boundHost, ...allowedHosts];
  return names.some(name => withoutBrackets(name).toLowerCase() === hostname);
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? withoutBrackets(new URL(url).hostname) : undefined;
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

function rangeOf(host: string): string | undefined {
  return ipaddr.isValid(host) ? ipaddr.parse(host).range() : undefined;
}
