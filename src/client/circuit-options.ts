import { ConfigurationError } from '../errors.js';
import { refuseUnknownOptions } from '../unknown-option.js';
import { checkOption, type OptionKind } from './option-check.js';

/** When calls of a tool that keeps failing are stopped before they are sent. */
export interface CircuitBreakerOptions {
  /** Share of a tool's last calls; when more than that failed, its calls are stopped. @default 0.5 */
  readonly failureRate?: number | undefined;
  /** How many of a tool's last calls are looked at. @default 20 */
  readonly callCount?: number | undefined;
  /** Least number of calls that say anything about a tool. @default 5 */
  readonly minimumCalls?: number | undefined;
  /** A call that took longer counts as failed, in milliseconds. @default Infinity */
  readonly slowCallMs?: number | undefined;
  /** How long calls are stopped before one is tried, and how long that one may take before another is tried, in milliseconds. @default 30000 */
  readonly openMs?: number | undefined;
}

export type ResolvedCircuitOptions = {
  readonly [Name in keyof CircuitBreakerOptions]-?: NonNullable<CircuitBreakerOptions[Name]>;
};

/** Default and kind of every option. */
export const circuitOptions = {
  failureRate: { default: 0.5, kind: 'a number between 0 and 1' },
  callCount: { default: 20, kind: 'an integer from 1 to 1000' },
  minimumCalls: { default: 5, kind: 'an integer from 1 to 1000' },
  slowCallMs: { default: Number.POSITIVE_INFINITY, kind: 'a positive number' },
  openMs: { default: 30_000, kind: 'a positive number' },
} as const satisfies Record<keyof CircuitBreakerOptions, { default: number; kind: OptionKind }>;

/**
 * @returns undefined when there is to be no breaker
 * @throws ConfigurationError that names the option, what it must be and what it is
 */
export function resolveCircuitOptions(
  given: boolean | CircuitBreakerOptions | undefined,
): ResolvedCircuitOptions | undefined {
  if (given === undefined || given === false) return undefined;
  if (given !== true && (typeof given !== 'object' || given === null)) {
    throw new ConfigurationError(
      `Expected \`circuitBreaker\` to be true, false or an object, got ${String(given)}`,
    );
  }
  const options = given === true ? {} : given;
  refuseUnknownOptions('`circuitBreaker`', options, circuitOptions);
  const resolved = Object.entries(circuitOptions).map(([name, { default: usual, kind }]) => {
    const value = options[name as keyof CircuitBreakerOptions] ?? usual;
    checkOption(`circuitBreaker.${name}`, value, kind);
    return [name, value] as const;
  });
  const settings = Object.fromEntries(resolved) as unknown as ResolvedCircuitOptions;
  const { callCount, minimumCalls } = settings;
  if (minimumCalls <= callCount) return settings;
  // A small `callCount` alone also lowers the default of `minimumCalls`.
  if (options.minimumCalls === undefined) return { ...settings, minimumCalls: callCount };
  throw new ConfigurationError(
    `Expected \`circuitBreaker.minimumCalls\` to be at most \`callCount\` (${callCount}), got ${minimumCalls}`,
  );
}
