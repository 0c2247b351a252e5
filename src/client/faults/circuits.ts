import { McpError } from '@modelcontextprotocol/sdk/types.js';
import { AwaitError, CircuitOpenError, ConfigurationError } from '../../errors.js';
import { BoundedMap } from '../../pacing/bounded-map.js';
import { Circuit, type CircuitState, type CircuitVerdict, type Pass } from '../../pacing/circuit.js';
import { formatDuration } from '../../time/duration.js';
import { refuseUnknownOptions } from '../../unknown-option.js';
import type { AwaitEvent, CallEnd, CallWatch } from '../events.js';
import { checkOption, type OptionKind, type Resolved } from '../option-check.js';
import { isTransient } from './failure.js';

/** When calls of a tool that keeps failing are stopped before they are sent. */
export interface CircuitBreakerOptions {
  /** Share of failed calls above which the tool's calls are stopped. @default 0.5 */
  readonly failureRate?: number | undefined;
  /** Number of the tool's last calls that are counted. @default 20 */
  readonly callCount?: number | undefined;
  /** Smallest number of counted calls before calls are stopped. @default 5 */
  readonly minimumCalls?: number | undefined;
  /** A call that takes longer counts as failed, in milliseconds. @default Infinity */
  readonly slowCallMs?: number | undefined;
  /** How long calls are stopped before a trial call, and how long a trial may take before the next one, in milliseconds. @default 30000 */
  readonly openMs?: number | undefined;
}

export type ResolvedCircuitOptions = Resolved<CircuitBreakerOptions>;

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

/** Errors about the caller or the reference, which say nothing about the tool. */
const TELL_NOTHING = new Set([
  'AUTHORIZATION',
  'ABORTED',
  'DETACHED',
  'CIRCUIT_OPEN',
  'CONFIGURATION',
  'INPUT_REQUIRED',
  'NOT_SUPPORTED',
  'TASK_NOT_FOUND',
]);

/** What the end of a call says about its tool. A slow success counts as a failure, because its caller has given up by then. */
export function circuitVerdictOf(end: CallEnd, durationMs: number, slowCallMs: number): CircuitVerdict {
  const verdict = 'error' in end ? verdictOfError(end.error) : verdictOfOutcome(end);
  return verdict === 'success' && durationMs > slowCallMs ? 'failure' : verdict;
}

function verdictOfOutcome({ outcome, stored }: Extract<CallEnd, { outcome: unknown }>): CircuitVerdict {
  if (stored === true || outcome.status === 'cancelled') return 'nothing';
  // A tool has worked if it says that the same call would fail again.
  return outcome.status === 'failed' && outcome.error.retryable !== false ? 'failure' : 'success';
}

function verdictOfError(error: unknown): CircuitVerdict {
  if (error instanceof AwaitError && TELL_NOTHING.has(error.code)) return 'nothing';
  // The server refuses the call because of its contents.
  return error instanceof McpError && !isTransient(error) ? 'nothing' : 'failure';
}

/** Tools whose circuits are kept; the one that was called longest ago is forgotten. */
const MAX_TOOLS = 1000;

/** How the circuit of a tool stands. */
export interface CircuitStats {
  readonly state: CircuitState['name'];
  /** When the next call is tried; ISO 8601. Missing while calls pass. */
  readonly retryAt?: string;
}

/** The circuit breakers of one client, one for each tool. */
export class Circuits {
  readonly #options: ResolvedCircuitOptions;
  readonly #onEvent: ((event: AwaitEvent) => void) | undefined;
  readonly #circuits = new BoundedMap<Circuit>(MAX_TOOLS);

  constructor(options: ResolvedCircuitOptions, onEvent: ((event: AwaitEvent) => void) | undefined) {
    this.#options = options;
    this.#onEvent = onEvent;
  }

  /** Guards one call. A task that is resumed is never refused: it exists. */
  watch(tool: string): CallWatch {
    const { slowCallMs } = this.#options;
    const circuit = this.#circuitOf(tool);
    const begunAt = performance.now();
    let pass: Pass | undefined;
    return {
      starting: () => {
        pass = circuit.admit(performance.now());
        if (pass === undefined) throw openError(tool, circuit.state);
      },
      ended: end => {
        const now = performance.now();
        circuit.settle(pass, circuitVerdictOf(end, now - begunAt, slowCallMs), now);
      },
    };
  }

  stats(tool: string): CircuitStats {
    const { state } = this.#circuitOf(tool);
    return { state: state.name, ...(state.name !== 'closed' && { retryAt: isoOf(state.retryAt) }) };
  }

  #circuitOf(tool: string): Circuit {
    const known = this.#circuits.get(tool);
    if (known !== undefined) return known;
    const circuit = new Circuit(this.#options, state => this.#onEvent?.(eventOf(tool, state)));
    this.#circuits.set(tool, circuit);
    return circuit;
  }
}

function eventOf(tool: string, state: CircuitState): AwaitEvent {
  switch (state.name) {
    case 'closed':
      return { type: 'circuit-closed', tool };
    case 'open':
      return { type: 'circuit-opened', tool, retryAt: isoOf(state.retryAt) };
    case 'half-open':
      return { type: 'circuit-half-opened', tool, retryAt: isoOf(state.retryAt) };
  }
}

function openError(tool: string, state: CircuitState): CircuitOpenError {
  const retryAt = state.name === 'closed' ? performance.now() : state.retryAt;
  const wait = formatDuration(Math.max(0, retryAt - performance.now()));
  const why =
    state.name === 'half-open'
      ? 'one call is being tried, and no other is sent meanwhile'
      : 'too many of its last calls failed or were too slow';
  return new CircuitOpenError(
    `\`${tool}\` was not called: ${why} (\`circuitBreaker\`). The next call is tried in ${wait}.`,
    { tool, retryAt: isoOf(retryAt) },
  );
}

/** Of a time on the clock of `performance.now()`. */
function isoOf(at: number): string {
  return new Date(Date.now() + at - performance.now()).toISOString();
}
