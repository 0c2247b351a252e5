import ipaddr from 'ipaddr.js';

const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Where clouds tell machines who they are, at addresses that any registry calls public: the host of an Azure machine
 * ("What is IP address 168.63.129.16?"), and Equinix Metal. Those of the other clouds are link-local or private.
 */
const CLOUD_METADATA: readonly string[] = ['168.63.129.16', '192.80.8.124'];

/**
 * Why an IP address is not on the public internet, such as `loopback` or `private`; undefined when it is.
 * Forms that carry an IPv4 address inside an IPv6 one (mapped, NAT64, 6to4, Teredo) are never public.
 */
export function nonPublicRange(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return 'unreadable';
  const parsed = ipaddr.parse(address);
  const range = parsed.range();
  if (range !== 'unicast') return range;
  if (CLOUD_METADATA.includes(parsed.toString())) return 'cloudMetadata';
  // The library calls all unassigned IPv6 space unicast, the old IPv4-compatible ::127.0.0.1 included.
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_UNICAST) ? undefined : 'reserved';
}

/** The host of a URL without brackets and without the dot that ends an absolute name. */
export function bareHostname(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}

/** Whether the host is an IP address and not a name. */
export function isAddress(hostname: string): boolean {
  return ipaddr.isValid(hostname);
}
