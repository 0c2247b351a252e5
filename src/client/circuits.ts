import { McpError } from '@modelcontextprotocol/sdk/types.js';
import {
  AuthorizationError,
  AwaitAbortedError,
  AwaitDetachedError,
  CircuitOpenError,
  ConfigurationError,
  InputRequiredError,
  NotSupportedError,
  TaskNotFoundError,
} from '../errors.js';
import { BoundedMap } from '../pacing/bounded-map.js';
import { Circuit, type CircuitState, type CircuitVerdict, type Pass } from '../pacing/circuit.js';
import { formatDuration } from '../time/duration.js';
import type { CallEnd, CallWatch } from './call-watch.js';
import type { ResolvedCircuitOptions } from './circuit-options.js';
import type { AwaitEvent } from './events.js';
import { isTransient } from './failure.js';

/** Errors about the caller or the reference, which say nothing about the tool. */
const TELL_NOTHING = [
  AuthorizationError,
  AwaitAbortedError,
  AwaitDetachedError,
  CircuitOpenError,
  ConfigurationError,
  InputRequiredError,
  NotSupportedError,
  TaskNotFoundError,
];

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
  if (TELL_NOTHING.some(Class => error instanceof Class)) return 'nothing';
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
