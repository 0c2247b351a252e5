import { ConfigurationError } from '../errors.js';
import { sections } from './config/config-schema.js';
import { settingValues } from './config/setting-values.js';

const { server, state, execution } = sections;

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

/** The settings that say the same as the options. */
export const taskLimitSettings = {
  maxTtlSeconds: state.maxTtlSeconds,
  ttlSeconds: state.ttlSeconds,
  defaultTimeoutSeconds: execution.defaultTimeoutSeconds,
  inputTimeoutSeconds: execution.inputTimeoutSeconds,
  retryAttempts: execution.retryAttempts,
  maxUnfinishedPerPrincipal: execution.maxUnfinishedPerPrincipal,
  maxHeldCalls: server.maxHeldCalls,
};

/** @throws ConfigurationError that names the option, what it must be and what it is */
export function taskLimits(options: TaskLimitOptions): TaskLimits {
  const { maxTtlSeconds = state.maxTtlSeconds.def.defaultValue } = options;
  const { ttlSeconds = Math.min(state.ttlSeconds.def.defaultValue, maxTtlSeconds) } = options;
  const limits = settingValues(taskLimitSettings, { ...options, ttlSeconds });
  if (ttlSeconds <= limits.maxTtlSeconds) return limits;
  throw new ConfigurationError(
    `Expected \`ttlSeconds\` to be at most \`maxTtlSeconds\`, which is ${limits.maxTtlSeconds}, got ${ttlSeconds}`,
  );
}

/** What the engine must keep: as long as any call may ask for, and not less than what the server's own tasks need. */
export function longestRetentionMs({ maxTtlSeconds }: TaskLimits): number {
  return Math.max(maxTtlSeconds, WEEK_SECONDS) * 1000;
}
