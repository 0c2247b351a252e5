import type { Snapshot } from '../types.js';
import type { OptionNames } from '../unknown-option.js';
import type { AwaitEvent } from './events.js';
import type { CircuitBreakerOptions } from './faults/circuits.js';
import type { InputHandler } from './input/input-handler.js';
import type { JournalOptions } from './journal/options.js';
import { checkOption, type OptionKind, type Resolved } from './option-check.js';
import { type PairOptions, pairOptionNames } from './tools/pair-options.js';

/** How long and how often to wait. Set for a whole client, and again for one call. */
export interface WaitOptions {
  /** First interval between status requests, in milliseconds. @default 1000 */
  readonly initialIntervalMs?: number | undefined;
  /** Factor between one interval and the next. @default 2 */
  readonly backoffMultiplier?: number | undefined;
  /** Longest interval between status requests, in milliseconds. @default 30000 */
  readonly maxIntervalMs?: number | undefined;
  /** Random share, 0 to 1, that is taken off each interval (and added to a hint), so that callers spread out. @default 0.1 */
  readonly jitter?: number | undefined;
  /** When to poll: `learned` from earlier tasks of the same tool, or `backoff` by the intervals above only. @default learned */
  readonly pacing?: 'learned' | 'backoff' | undefined;
  /** Largest number of status requests before giving up. It counts requests by back-off that found the task still running, not those that the server held, asked for by a hint or announced by a notification. @default Infinity */
  readonly maxAttempts?: number | undefined;
  /** Longest time for the whole call, in milliseconds; `Infinity` for no limit. @default 86400000 */
  readonly deadlineMs?: number | undefined;
  /** Longest time for one start, status or cancel request, in milliseconds. @default 30000 */
  readonly requestTimeoutMs?: number | undefined;
  /** How long one status request asks the server to hold its answer until the task ends, in milliseconds, if the server can (long poll); 0 to poll at intervals instead. @default 20000 */
  readonly longPollMs?: number | undefined;
  /** How long `callTool` asks the server to hold the answer to the start, in milliseconds, if the server can, so that a short job needs no second request. `startTool` asks only if this option is given. @default 1000 */
  readonly inlineWaitMs?: number | undefined;
  /** How many times one failed request is repeated, if it may be repeated. @default 5 */
  readonly requestRetries?: number | undefined;
  /** Longest silence of a synchronous call, in milliseconds. Every progress notification ends a silence. The time in which somebody answers a question does not count. @default Infinity */
  readonly silenceTimeoutMs?: number | undefined;
  /** Time without news of a call after which the event `task-quiet` is sent, in milliseconds. The wait continues. @default 600000 */
  readonly quietAfterMs?: number | undefined;
  /** Whether aborting a call also cancels its task on the server. @default false */
  readonly cancelOnAbort?: boolean | undefined;
}

/** Options of one call. */
export interface CallOptions extends WaitOptions {
  /** Ends the wait. The task goes on, unless `cancelOnAbort` is set. */
  readonly signal?: AbortSignal | undefined;
  /** Called with every new state of the task. */
  readonly onUpdate?: ((snapshot: Snapshot) => void) | undefined;
  /** Answers the questions of this call's task, instead of the client's `onInput`. */
  readonly onInput?: InputHandler | undefined;
  /** Names this logical call: if the tool takes a key, the same key returns the same task. @default a random one for each call */
  readonly idempotencyKey?: string | undefined;
}

/** Options of a client. */
export interface AwaitClientOptions extends WaitOptions, PairOptions {
  /** Called with each event of a wait, for logs and metrics. Must not throw. */
  readonly onEvent?: ((event: AwaitEvent) => void) | undefined;
  /** Largest number of status requests a second for all waits of this client together, and at once; `Infinity` for no limit. @default 20 */
  readonly maxPollsPerSecond?: number | undefined;
  /**
   * Answers what a server asks while it works: a person (elicitation), a model (sampling), the folders that there are
   * (roots). @default none, and a task that asks ends its wait with `InputRequiredError`
   */
  readonly onInput?: InputHandler | undefined;
  /**
   * Writes down every call before it is sent, so that it survives this process: the same `idempotencyKey` then finds its
   * task or its result, and `mcp-await list` shows it. @default false
   */
  readonly journal?: boolean | JournalOptions | undefined;
  /**
   * Stops calls of a tool that keeps failing or is too slow: they end in `CircuitOpenError` at once, until a trial goes
   * well. @default false
   */
  readonly circuitBreaker?: boolean | CircuitBreakerOptions | undefined;
}

export type ResolvedWaitOptions = Resolved<WaitOptions>;

/** Default and kind of every wait option. */
export const waitOptions = {
  initialIntervalMs: { default: 1000, kind: 'a positive number' },
  backoffMultiplier: { default: 2, kind: 'a positive number' },
  maxIntervalMs: { default: 30_000, kind: 'a positive number' },
  jitter: { default: 0.1, kind: 'a number from 0 to 1' },
  pacing: { default: 'learned', kind: '`learned` or `backoff`' },
  maxAttempts: { default: Number.POSITIVE_INFINITY, kind: 'a positive integer' },
  deadlineMs: { default: 86_400_000, kind: 'a positive number' },
  requestTimeoutMs: { default: 30_000, kind: 'a positive number' },
  longPollMs: { default: 20_000, kind: 'a non-negative number' },
  inlineWaitMs: { default: 1000, kind: 'a non-negative number' },
  requestRetries: { default: 5, kind: 'a non-negative integer' },
  silenceTimeoutMs: { default: Number.POSITIVE_INFINITY, kind: 'a positive number' },
  quietAfterMs: { default: 600_000, kind: 'a positive number' },
  cancelOnAbort: { default: false, kind: 'true or false' },
} as const satisfies Record<keyof WaitOptions, { default: number | boolean | string; kind: OptionKind }>;

/** Of `AwaitClient`. */
export const clientOptionNames: OptionNames<AwaitClientOptions> = {
  ...(waitOptions as unknown as OptionNames<WaitOptions>),
  ...pairOptionNames,
  onEvent: true,
  maxPollsPerSecond: true,
  onInput: true,
  journal: true,
  circuitBreaker: true,
};

/** Of one call. */
export const callOptionNames: OptionNames<CallOptions> = {
  ...(waitOptions as unknown as OptionNames<WaitOptions>),
  signal: true,
  onUpdate: true,
  onInput: true,
  idempotencyKey: true,
};

export const defaultWaitOptions = Object.fromEntries(
  Object.entries(waitOptions).map(([name, option]) => [name, option.default]),
) as unknown as ResolvedWaitOptions;

/**
 * Lays the given wait options over the defaults. Keys that are no wait option are left alone.
 * @throws ConfigurationError such as "Expected `maxAttempts` to be a positive integer, got 0".
 */
export function resolveWaitOptions(
  given: WaitOptions | undefined,
  defaults: ResolvedWaitOptions,
): ResolvedWaitOptions {
  const resolved: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value === undefined || !Object.hasOwn(waitOptions, name)) continue;
    checkOption(name, value, waitOptions[name as keyof WaitOptions].kind);
    resolved[name] = value;
  }
  // Thousands of calls share one object.
  return Object.keys(resolved).length === 0 ? defaults : { ...defaults, ...resolved };
}
