import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent } from 'undici';
import { OperationError } from '../operation.js';
import { nonPublicRange } from './public-address.js';
import { addressRefusal } from './request-policy.js';

export interface GuardedAgentOptions {
  /** Refuse to connect to an address that is not public. */
  readonly publicOnly: boolean;
  readonly lookup: LookupFunction;
}

/**
 * An HTTP agent without time limits that checks an address in the very lookup it connects with: a name that
 * resolves differently the second time (DNS rebinding) gains nothing.
 */
export function createGuardedAgent({ publicOnly, lookup }: GuardedAgentOptions): Agent {
  return new Agent({
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { lookup: publicOnly ? guardLookup(lookup) : lookup },
  });
}

/** Passes on public addresses only. */
function guardLookup(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, []);
      const addresses = Array.isArray(found) ? found : [];
      const passed = addresses.filter(({ address }) => nonPublicRange(address) === undefined);
      const first = passed[0];
      if (first === undefined) return callback(refused(hostname, addresses), []);
      if (options.all === true) callback(null, passed);
      else callback(null, first.address, first.family);
    });
  };
}

function refused(hostname: string, addresses: readonly LookupAddress[]): OperationError {
  // The kind of address only: the addresses of an internal network are not the caller's business.
  const range = nonPublicRange(addresses[0]?.address ?? '') ?? 'unreadable';
  return new OperationError('ADDRESS_REFUSED', addressRefusal(hostname, range));
}
