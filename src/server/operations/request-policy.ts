import { bareHostname, isAddress, nonPublicRange } from '../outbound/public-address.js';

/** What a request may reach: plain JSON, stored with the task. */
export interface RequestPolicy {
  readonly allowPrivate: boolean;
  readonly allowHosts: readonly string[];
  readonly maxResponseBytes: number;
}

/** Whether the operator lets requests for this URL reach addresses that are not public. */
export function mayBePrivate(url: URL, policy: RequestPolicy): boolean {
  if (policy.allowPrivate) return true;
  const hostname = bareHostname(url);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return policy.allowHosts.some(entry => {
    const allowed = entry.toLowerCase();
    return allowed === hostname || allowed === `${hostname}:${port}` || allowed === `[${hostname}]:${port}`;
  });
}

/** Why a URL is refused before any name is looked up; undefined when it is not. Never repeats the URL. */
export function urlRefusal(url: URL, policy: RequestPolicy): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return `Expected an http or https URL, got ${url.protocol}`;
  }
  if (url.username !== '' || url.password !== '') {
    return 'Expected a URL without user name and password: send an Authorization header instead';
  }
  const hostname = bareHostname(url);
  if (!isAddress(hostname) || mayBePrivate(url, policy)) return undefined;
  const range = nonPublicRange(hostname);
  return range && addressRefusal(hostname, range);
}

export function addressRefusal(hostname: string, range: string): string {
  return `${hostname} is not on the public internet (${range}): the operator can allow it with --allow-private`;
}
