import type { LookupFunction } from 'node:net';
import type { Agent } from 'undici';
import { nonPublicRange } from './public-address.js';

export interface GuardedAgentOptions {
  /** Refuse to connect to an address that is not public. */
  readonly publicOnly: boolean;
  readonly lookup: LookupFunction;
  /** What a request fails with whose host has no public address, but one of this range. */
  readonly refuse: (hostname: string, range: string) => Error;
}

/**
 * An HTTP agent without time limits that checks an address in the very lookup it connects with: a name that
 * resolves differently the second time (DNS rebinding) gains nothing.
 */
export async function createGuardedAgent({
  publicOnly,
  lookup,
  refuse,
}: GuardedAgentOptions): Promise<Agent> {
  const { Agent } = await import('undici');
  return new Agent({
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { lookup: publicOnly ? guardLookup(lookup, refuse) : lookup },
  });
}

/** Passes on public addresses only. */
function guardLookup(lookup: LookupFunction, refuse: GuardedAgentOptions['refuse']): LookupFunction {
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
