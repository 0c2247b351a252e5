import { ConfigurationError } from '../../errors.js';
import { failureCode } from '../failure-code.js';
import { StoreFailure } from '../store-failure.js';

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
