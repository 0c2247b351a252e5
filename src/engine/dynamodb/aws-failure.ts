import { ConfigurationError } from '../../errors.js';
import { StoreFailure } from '../store-failure.js';

/** What a failed call to AWS says of itself. */
interface AwsFailure {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly CancellationReasons?: readonly { readonly Code?: string }[];
}

const THROTTLED =
  /Throttl|ProvisionedThroughputExceeded|RequestLimitExceeded|TooManyRequests|LimitExceeded|KmsThrottled/;
const BUSY =
  /TransactionConflict|TransactionInProgress|InternalServerError|ServiceUnavailable|InternalFailure/;
const UNREACHABLE =
  /TimeoutError|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|NetworkingError|socket hang up/;

/** Whether a call may succeed when it is made again: the service is away, busy or throttles. */
export function isAwsAway(error: unknown): boolean {
  const { name = '', code = '', message = '', $metadata, CancellationReasons = [] } = error as AwsFailure;
  if (name === 'TransactionCanceledException')
    return CancellationReasons.some(({ Code = '' }) => THROTTLED.test(Code) || BUSY.test(Code));
  const status = $metadata?.httpStatusCode ?? 0;
  const words = `${name} ${code}`;
  return (
    status >= 500 ||
    THROTTLED.test(words) ||
    BUSY.test(words) ||
    UNREACHABLE.test(status === 0 ? `${words} ${message}` : words)
  );
}

const CREATE = 'Run `mcp-await store create` with this store, or correct its URL';

/** What to do about an error of AWS, by its name. */
const HINTS: Readonly<Record<string, string>> = {
  ResourceNotFoundException: CREATE,
  QueueDoesNotExist: CREATE,
  'AWS.SimpleQueueService.NonExistentQueue': CREATE,
  AccessDeniedException: 'Allow what the policy in docs/production.md names',
  AccessDenied: 'Allow what the policy in docs/production.md names',
  CredentialsProviderError: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role',
  UnrecognizedClientException: 'Check the credentials and the region',
  InvalidClientTokenId: 'Check the credentials and the region',
  InvalidSignatureException: 'Check the credentials and the clock of this machine',
  SignatureDoesNotMatch: 'Check the credentials and the clock of this machine',
  ExpiredTokenException: 'Renew the credentials',
};

/**
 * The error that tells why the store could not be opened or made: a `StoreFailure` where trying again may help.
 * @param purpose completes "The store cannot be …"
 */
export function awsOpenFailure(label: string, error: unknown, purpose: 'opened' | 'made' = 'opened'): Error {
  if (error instanceof ConfigurationError || error instanceof StoreFailure) return error;
  const { name = '', message = '', code = '' } = error as AwsFailure;
  const hint = /Region is missing/i.test(message)
    ? 'Put `region=…` into its URL, or set AWS_REGION'
    : isAwsAway(error)
      ? 'Check its region and endpoints, and the network'
      : HINTS[name];
  const reason = (message || code || name).replace(/[.\s]+$/, '');
  const text = `The store ${label} cannot be ${purpose}: ${reason}.${hint === undefined ? '' : ` ${hint}.`}`;
  return isAwsAway(error)
    ? new StoreFailure(text, { cause: error })
    : new ConfigurationError(text, { cause: error });
}
