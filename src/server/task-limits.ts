import { ConfigurationError } from '../errors.js';

/** What holds for a task where neither its operation nor the call says otherwise. */
export interface TaskLimitOptions {
  /** How long a task and its result are kept, in seconds; at most `maxTtlSeconds`. @default 86400 */
  readonly ttlSeconds?: number | undefined;
  /** The most that a call may ask for with `ttl_seconds`, in seconds, from 60 on. @default 604800 */
  readonly maxTtlSeconds?: number | undefined;
  /** Longest run time in seconds of the operations that name no `slaSeconds`. @default 120 */
  readonly defaultTimeoutSeconds?: number | undefined;
  /**
   * How long a task may wait for answers to its questions, in seconds; that time is no part of its run time.
   * @default 86400
   */
  readonly inputTimeoutSeconds?: number | undefined;
  /** `retryAttempts` of the operations that name none, 0 to 10. @default 0 */
  readonly retryAttempts?: number | undefined;
  /**
   * Most tasks of one principal that are queued or run; a call beyond is refused with `TOO_MANY_TASKS`. Without tokens,
   * there is only one principal, and no limit. @default 10000
   */
  readonly maxUnfinishedPerPrincipal?: number | undefined;
  /** Most calls that are held at the same time, shared between principals; others are answered at once. @default 1000 */
  readonly maxHeldCalls?: number | undefined;
}

export type TaskLimits = { readonly [Name in keyof TaskLimitOptions]-?: number };

const WEEK_SECONDS = 604_800;
export const MIN_TTL_SECONDS = 60;
export const MAX_RETRY_ATTEMPTS = 10;

/** @throws ConfigurationError that names the option, what it must be and what it is */
export function taskLimits(options: TaskLimitOptions): TaskLimits {
  const {
    maxTtlSeconds = WEEK_SECONDS,
    defaultTimeoutSeconds = 120,
    inputTimeoutSeconds = 86_400,
    retryAttempts = 0,
    maxUnfinishedPerPrincipal = 10_000,
    maxHeldCalls = 1000,
  } = options;
  const { ttlSeconds = Math.min(86_400, maxTtlSeconds) } = options;
  const limits = {
    ttlSeconds,
    maxTtlSeconds,
    defaultTimeoutSeconds,
    inputTimeoutSeconds,
    retryAttempts,
    maxUnfinishedPerPrincipal,
    maxHeldCalls,
  };
  for (const name of ['maxUnfinishedPerPrincipal', 'maxHeldCalls'] as const) {
    const isUsable = Number.isSafeInteger(limits[name]) && limits[name] >= 1;
    expectThat(isUsable, `\`${name}\` to be a positive integer`, limits[name]);
  }
  for (const name of ['ttlSeconds', 'defaultTimeoutSeconds', 'inputTimeoutSeconds'] as const) {
    expectThat(isPositive(limits[name]), `\`${name}\` to be a positive number`, limits[name]);
  }
  expectThat(
    Number.isFinite(maxTtlSeconds) && maxTtlSeconds >= MIN_TTL_SECONDS,
    `\`maxTtlSeconds\` to be a number from ${MIN_TTL_SECONDS} on`,
    maxTtlSeconds,
  );
  expectThat(
    ttlSeconds <= maxTtlSeconds,
    `\`ttlSeconds\` to be at most \`maxTtlSeconds\`, which is ${maxTtlSeconds}`,
    ttlSeconds,
  );
  expectThat(
    isRetryAttempts(retryAttempts),
    `\`retryAttempts\` to be an integer from 0 to ${MAX_RETRY_ATTEMPTS}`,
    retryAttempts,
  );
  return limits;
}

/** What the engine must keep: as long as any call may ask for, and not less than what the server's own tasks need. */
export function longestRetentionMs({ maxTtlSeconds }: TaskLimits): number {
  return Math.max(maxTtlSeconds, WEEK_SECONDS) * 1000;
}

export function isRetryAttempts(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_RETRY_ATTEMPTS;
}

function isPositive(value: unknown): boolean {
  return Number.isFinite(value) && Number(value) > 0;
}

function expectThat(condition: boolean, expectation: string, value: unknown): void {
  if (!condition) throw new ConfigurationError(`Expected ${expectation}, got ${String(value)}`);
}
