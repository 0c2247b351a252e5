import type { LookupFunction } from 'node:net';
import type { RequestInit, Response } from 'undici';
import { nonPublicRange } from './public-address.js';

export interface GuardedRequest extends Omit<RequestInit, 'redirect' | 'dispatcher'> {
  readonly url: URL;
  /** Refuse to connect to an address that is not public. */
  readonly publicOnly: boolean;
  readonly lookup: LookupFunction;
  /** What a request fails with whose host has no public address, but one of this range. */
  readonly refuse: (hostname: string, range: string) => Error;
}

/**
 * Sends one request without time limits, and answers what `read` makes of the response, which may be a redirect. An
 * address is checked in the very lookup that connects with it: a name that resolves differently the second time (DNS
 * rebinding) gains nothing.
 */
export async function guardedFetch<Value>(
  { url, publicOnly, lookup, refuse, ...request }: GuardedRequest,
  read: (response: Response) => Promise<Value>,
): Promise<Value> {
  // With the first request, not with the server.
  const { Agent, fetch } = await import('undici');
  const dispatcher = new Agent({
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { lookup: publicOnly ? guardLookup(lookup, refuse) : lookup },
  });
  try {
    return await read(await fetch(url, { ...request, redirect: 'manual', dispatcher }));
  } finally {
    await dispatcher.destroy();
  }
}

export interface ReadOptions {
  readonly maxBytes: number;
  readonly onProgress?: (bytes: number) => void;
}

/** The beginning of a body, at most `maxBytes`; `isWhole` where that is all of it. */
export async function readUpTo(
  { body }: Response,
  { maxBytes, onProgress = () => {} }: ReadOptions,
): Promise<{ readonly bytes: Buffer; readonly isWhole: boolean }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > maxBytes) return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), isWhole: false };
    onProgress(size);
  }
  return { bytes: Buffer.concat(chunks), isWhole: true };
}

/** Passes on public addresses only. */
function guardLookup(lookup: LookupFunction, refuse: GuardedRequest['refuse']): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, []);
      const addresses = Array.isArray(found) ? found : [];
      const passed = addresses.filter(({ address }) => nonPublicRange(address) === undefined);
      const first = passed[0];
      if (first === undefined) {
        // The kind of address only: the addresses of an internal network are not the caller's business.
        const range = nonPublicRange(addresses[0]?.address ?? '') ?? 'unreadable';
        return callback(refuse(hostname, range), []);
      }
      if (options.all === true) callback(null, passed);
      else callback(null, first.address, first.family);
    });
  };
}

/** The error and what it was caused by; of several connection attempts, each. */
export function causes(error: unknown): readonly unknown[] {
  if (!(error instanceof Error)) return [error];
  const attempts = error instanceof AggregateError ? error.errors : [];
  return [error, ...attempts.flatMap(causes), ...(error.cause === undefined ? [] : causes(error.cause))];
}

/** Why a request failed, as a code that holds nothing of the request: paths, queries and headers may be secret. */
export function causeCode(error: unknown): string {
  return (
    causes(error)
      .map(codeOf)
      .findLast(found => found !== undefined) ?? 'unknown reason'
  );
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  // A port that the Fetch standard blocks; undici gives this one no code.
  return error.message === 'bad port' ? error.message : undefined;
}
