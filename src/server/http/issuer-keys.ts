import { lookup } from 'node:dns';
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { ConfigurationError } from '../../errors.js';
import { linkSignals } from '../../time/signals.js';
import { startTimer } from '../../time/sleep.js';
import { causes, guardedFetch, readUpTo } from '../outbound/guarded-fetch.js';
import { bareHostname, isAddress, nonPublicRange } from '../outbound/public-address.js';
import { isLoopback } from './guards.js';

const KEY_LIMITS = {
  /** Of one answer of the authorization server. */
  maxAnswerBytes: 262_144,
  answerWithinMs: 5000,
  /** How long its keys are used, and how soon they are fetched again for a key that is not among them. */
  keysLastMs: 600_000,
  keysAgainAfterMs: 30_000,
} as const;

interface Issuer {
  readonly issuer: string;
  readonly allowPrivate?: boolean | undefined;
}

/** From whom keys are fetched. */
interface Destination {
  readonly issuer: URL;
  readonly allowPrivate: boolean;
}

/** @throws ConfigurationError where nothing may be fetched from */
export function checkDestination(url: URL, { issuer, allowPrivate }: Destination): void {
  const isOnThisMachine = isLoopback(url.hostname) && isLoopback(issuer.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isOnThisMachine))
    throw new ConfigurationError(`The keys of the issuer must come over https, not from ${url.origin}`);
  const host = bareHostname(url);
  const range = isAddress(host) ? nonPublicRange(host) : undefined;
  if (range !== undefined && !isOnThisMachine && !allowPrivate)
    throw new ConfigurationError(
      `The authorization server ${url.origin} has an address that is not public (${range}): allow it with --auth-allow-private`,
    );
}

const metadataSchema = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** Finds where the issuer has its keys (RFC 8414, section 3; OpenID Connect Discovery, section 4). */
export async function findKeys({ issuer, allowPrivate = false }: Issuer): Promise<JWTVerifyGetKey> {
  const url = new URL(issuer);
  const destination = { issuer: url, allowPrivate };
  const path = url.pathname.replace(/\/$/, '');
  const paths = [
    `/.well-known/oauth-authorization-server${path}`,
    `${path}/.well-known/openid-configuration`,
    `/.well-known/openid-configuration${path}`,
  ];
  for (const each of new Set(paths)) {
    const response = await boundedFetch(new URL(each, url), destination);
    if (response.status >= 500) throw new Error(`The issuer ${issuer} answered HTTP ${response.status}`);
    if (!response.ok) continue;
    const { data } = metadataSchema.safeParse(await response.json().catch(() => undefined));
    if (data === undefined) continue;
    if (data.issuer !== issuer)
      throw new Error(`The issuer ${issuer} calls itself by another name: write --auth-issuer as it does`);
    return createRemoteJWKSet(new URL(data.jwks_uri), {
      cacheMaxAge: KEY_LIMITS.keysLastMs,
      cooldownDuration: KEY_LIMITS.keysAgainAfterMs,
      timeoutDuration: KEY_LIMITS.answerWithinMs,
      [customFetch]: (where, { signal }) => boundedFetch(new URL(where), destination, signal),
    });
  }
  throw new Error(`The issuer ${issuer} does not tell where its keys are`);
}

/** @throws where the answer takes too long, is too large, or comes from where it must not */
async function boundedFetch(url: URL, destination: Destination, signal?: AbortSignal): Promise<Response> {
  checkDestination(url, destination);
  const limit = new AbortController();
  const { answerWithinMs, maxAnswerBytes } = KEY_LIMITS;
  const stop = startTimer(answerWithinMs, () => limit.abort(new Error('it took too long')), { unref: true });
  using linked = linkSignals(limit.signal, signal);
  const isOnThisMachine = isLoopback(url.hostname) && isLoopback(destination.issuer.hostname);
  const request = {
    url,
    headers: { accept: 'application/json' },
    signal: linked.signal,
    publicOnly: !destination.allowPrivate && !isOnThisMachine,
    lookup,
    refuse: (host: string, range: string) =>
      new Error(`${host} has an address that is not public (${range}): --auth-allow-private`),
  };
  try {
    return await guardedFetch(request, async response => {
      const { status, headers } = response;
      const { bytes, isWhole } = await readUpTo(response, { maxBytes: maxAnswerBytes });
      if (!isWhole) throw new Error(`the answer is longer than ${maxAnswerBytes} bytes`);
      return new Response(status === 204 || status === 304 ? null : bytes, {
        status,
        headers: [...headers],
      });
    });
  } catch (cause) {
    const last = causes(cause).at(-1);
    const why = last instanceof Error ? last.message : String(last);
    throw new Error(`The keys of the issuer cannot be fetched from ${url.origin}: ${why}`, { cause });
  } finally {
    stop();
  }
}
