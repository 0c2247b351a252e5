import { ConfigurationError } from '../../errors.js';
import { atMost, TimeLimitError } from '../../time/at-most.js';
import { sleep } from '../../time/sleep.js';
import type { Engine, EngineOptions } from '../engine.js';
import { checkedKeyPrefix, DEFAULT_LEASE_MS } from '../engine-defaults.js';
import { failureCode, StoreFailure } from '../store-failure.js';
import type { ServerLocation } from '../store-url.js';
import { BullmqEngine } from './bullmq-engine.js';
import {
  isConnectionError,
  lockTimes,
  type QueueConnection,
  type QueueConnectOptions,
} from './queue-connection.js';

const UNTRUSTED = 'Name the file of the authority that has signed it in NODE_EXTRA_CA_CERTS';

/** What to do about PostgreSQL's SQLSTATE or the word that a Redis error begins with. */
const HINTS: Readonly<Record<string, string>> = {
  '28P01': 'Check the user name and the password in its URL',
  '28000': 'Check the user name in its URL, and whom its pg_hba.conf lets in',
  '3D000': 'Create the database, or correct its name in the URL',
  '42501': 'BullMQ keeps its tables in the schema `bullmq`: let its user create it, or own it',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  WRONGPASS: 'Check the user name and the password in its URL',
  NOAUTH: 'Put a password into its URL',
  NOPERM: 'Let its user use all commands and keys, or name another user in its URL',
};

const UNREACHABLE = 'Check that it is running, and its address';

/** The error that tells why a store could not be opened: a `StoreFailure` where trying again may help. */
export function openFailure(
  label: string,
  { error, isUnreachable }: { readonly error: unknown; readonly isUnreachable: boolean },
): Error {
  if (error instanceof ConfigurationError) return error;
  const hint = isUnreachable ? UNREACHABLE : HINTS[failureCode(error)];
  const reason = messageOf(error).replace(/[.\s]+$/, '');
  const message = `The store ${label} cannot be opened: ${reason}.${hint === undefined ? '' : ` ${hint}.`}`;
  return isUnreachable
    ? new StoreFailure(message, { cause: error })
    : new ConfigurationError(message, { cause: error });
}

/** Of several addresses that were tried, the first one's. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message || error.name : String(error);
}

const PATIENCE_MS = 10_000;
const PAUSE_MS = 500;
const SILENCE = `no answer within ${PATIENCE_MS / 1000} s`;

type Connect = (url: string, options: QueueConnectOptions) => QueueConnection;

/**
 * @throws ConfigurationError when the store refuses, or the prefix is not usable; StoreFailure when the store cannot be
 * reached
 */
export async function openBullmqEngine(
  connect: Connect,
  { url, label }: ServerLocation,
  options: EngineOptions,
): Promise<Engine> {
  const locks = lockTimes(options.leaseMs ?? DEFAULT_LEASE_MS);
  // BullMQ puts a `:` of its own behind it, and PostgreSQL's queue names have none.
  const prefix = checkedKeyPrefix(options.keyPrefix).replace(/:+$/, '');
  const connection = await connected(
    onError => connect(url, { prefix, locks, onError }),
    label,
    options.onNotice,
  );
  return new BullmqEngine({ ...options, connection, label });
}

/** For some seconds, a store that cannot be reached may be one that is just being started. */
async function connected(
  connect: (onError: (error: Error) => void) => QueueConnection,
  label: string,
  onNotice: EngineOptions['onNotice'] = () => {},
): Promise<QueueConnection> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    let lastError: unknown = Object.assign(new Error(SILENCE), { code: 'ETIMEDOUT' });
    const connection = connect(error => {
      lastError = error;
    });
    try {
      const notices = await atMost(connection.ready(), deadline - performance.now()).catch(error => {
        throw error instanceof TimeLimitError ? lastError : error;
      });
      for (const notice of notices) onNotice(notice);
      return connection;
    } catch (error) {
      await connection.close().catch(() => {});
      const isUnreachable = isConnectionError(error);
      const isHopeless = failureCode(error) === 'ENOTFOUND';
      if (!isUnreachable || isHopeless || performance.now() + PAUSE_MS > deadline) {
        throw openFailure(label, { error, isUnreachable });
      }
      await sleep(PAUSE_MS, new AbortController().signal);
    }
  }
}
