import { ConfigurationError } from '../../errors.js';
import { StoreFailure } from '../store-failure.js';
import type { DynamodbLocation } from '../store-url.js';

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

const ALLOW = 'Allow what the policy in docs/production.md names';
const NETWORK = 'Check its region and endpoints, and the network';
const CREDENTIALS = 'Check the credentials, and the region that they are for';
const CLOCK = 'Check the credentials and the clock of this machine';

/** What to do about an error of AWS, by its name. */
const ADVICE: Readonly<Record<string, string>> = {
  AccessDeniedException: ALLOW,
  AccessDenied: ALLOW,
  CredentialsProviderError: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role',
  UnrecognizedClientException: CREDENTIALS,
  InvalidClientTokenId: CREDENTIALS,
  InvalidSignatureException: CLOCK,
  SignatureDoesNotMatch: CLOCK,
  ExpiredTokenException: 'Renew the credentials',
};
const MISSING = /^(ResourceNotFoundException|QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue)$/;

/** What to do about an error of AWS. */
export function awsAdvice(error: unknown): string | undefined {
  const { name = '', message = '', code = '' } = error as AwsFailure;
  if (/Region is missing/i.test(message)) return 'Put `region=…` into its URL, or set AWS_REGION';
  if (/Region not accepted/i.test(message)) return 'Correct `region=…` in its URL, or AWS_REGION';
  if (/Item size/i.test(message))
    return 'An item of DynamoDB holds 400 kB: let the task ask less at a time, and report shorter progress';
  if (THROTTLED.test(`${name} ${code}`))
    return 'AWS throttles it: try again, or raise the limits of the table, its indexes and the account';
  return isAwsAway(error) || code === 'ENOTFOUND' ? NETWORK : ADVICE[name];
}

/** Where a store is looked for. */
type Place = Pick<DynamodbLocation, 'label' | 'table' | 'queue' | 'region'>;

/**
 * The error that tells why the store could not be opened or made: a `StoreFailure` where trying again may help.
 * @param purpose completes "The store cannot be …"
 */
export function awsOpenFailure(error: unknown, place: Place, purpose: 'opened' | 'made' = 'opened'): Error {
  if (error instanceof ConfigurationError || error instanceof StoreFailure) return error;
  const { label, table, queue, region } = place;
  const { name = '', message = '', code = '' } = error as AwsFailure;
  const advice = MISSING.test(name)
    ? `The table \`${table}\` and the queue \`${queue}\` were looked for in ${region}: correct the URL, or run \`mcp-await store create\` with it`
    : awsAdvice(error);
  const reason = (message || code || name).replace(/[.\s]+$/, '');
  const text = `The store ${label} cannot be ${purpose}: ${reason}.${advice === undefined ? '' : ` ${advice}.`}`;
  return isAwsAway(error)
    ? new StoreFailure(text, { cause: error })
    : new ConfigurationError(text, { cause: error });
}
