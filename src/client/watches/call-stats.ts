import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { AwaitAbortedError, AwaitDetachedError, CircuitOpenError } from '../../errors.js';
import { openTelemetry } from '../../open-telemetry.js';
import { BoundedMap } from '../../pacing/bounded-map.js';
import type { AwaitEvent, CallEnd, CallWatch } from '../events.js';
import type { CircuitStats, Circuits } from '../faults/circuits.js';
import { traceCall } from './call-trace.js';

/** Beyond this many tools, the one that was called longest ago is forgotten. */
const MAX_TOOLS = 1000;

/** What the calls of one tool came to since the client was made. Every call is in exactly one of the counts up to `errors`. */
export interface ToolStats {
  readonly tool: string;
  /** Calls and resumed tasks that have not ended here; also tasks whose handle nobody waits for. */
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Ended by `detach()`, by the caller's signal or by `close()`. */
  readonly left: number;
  /** Refused by the circuit breaker. */
  readonly refused: number;
  /** Ended in any other error. */
  readonly errors: number;
  readonly startRequests: number;
  readonly statusRequests: number;
  /** Start, status and cancel requests that failed and may have been repeated. */
  readonly failedRequests: number;
  /** Mean over the calls that this client started and that completed or failed; null when there are none. */
  readonly meanDurationMs: number | null;
  /** Missing without a circuit breaker. */
  readonly circuit?: CircuitStats;
}

/** What a client's calls came to, as plain JSON. */
export interface ClientStats {
  /** The tools that were called, the one called last at the end. */
  readonly tools: readonly ToolStats[];
}

type Mutable<Counts> = { -readonly [Name in keyof Counts]: Counts[Name] };
type Counts = Mutable<Omit<ToolStats, 'meanDurationMs' | 'circuit'>> & { ended: number; totalMs: number };

/** Counts one call, and tells whatever else goes along with it. */
export class CountedCall implements CallWatch {
  readonly meta: CallWatch['meta'];
  readonly #counts: Counts;
  readonly #others: readonly CallWatch[];
  readonly #begunAt = performance.now();
  #started = false;
  #over = false;

  constructor(counts: Counts, others: readonly CallWatch[]) {
    this.#counts = counts;
    this.#others = others;
    this.meta = others.find(({ meta }) => meta !== undefined)?.meta;
    counts.running++;
  }

  /** After the first that refuses the call, the others are not told of its start. */
  starting(): void {
    for (const other of this.#others) other.starting?.();
    this.#started = true;
    this.#counts.startRequests++;
  }

  hear(event: AwaitEvent): void {
    if (event.type === 'status-requested') this.#counts.statusRequests++;
    if (event.type === 'request-failed') this.#counts.failedRequests++;
    for (const other of this.#others) other.hear?.(event);
  }

  ended(end: CallEnd): void {
    if (this.#over) return;
    this.#over = true;
    const counts = this.#counts;
    counts.running--;
    const kind = 'outcome' in end ? end.outcome.status : kindOf(end.error);
    counts[kind]++;
    if (this.#started && (kind === 'completed' || kind === 'failed')) {
      counts.ended++;
      counts.totalMs += performance.now() - this.#begunAt;
    }
    for (const other of this.#others) other.ended?.(end);
  }
}

/** What goes along with every call of a client, besides the counts. */
export interface CallCompanions {
  readonly circuits?: Pick<Circuits, 'watch' | 'stats'> | undefined;
  readonly onEvent?: ((event: AwaitEvent) => void) | undefined;
  /** Where somebody has registered OpenTelemetry. */
  readonly traced?: { readonly client: Client; readonly closed: AbortSignal } | undefined;
}

/** Counts the calls of one client by tool, and begins what goes along with each. */
export class CallStats {
  readonly #tools = new BoundedMap<Counts>(MAX_TOOLS);
  readonly #companions: CallCompanions;

  constructor(companions: CallCompanions = {}) {
    this.#companions = companions;
  }

  /** @param meta what the caller sends in `_meta` */
  watch(tool: string, meta?: CallWatch['meta']): CountedCall {
    const { circuits, onEvent, traced } = this.#companions;
    const tracing = openTelemetry('trace');
    const others: CallWatch[] = [];
    if (circuits !== undefined) others.push(circuits.watch(tool));
    if (traced !== undefined && tracing !== undefined)
      others.push(traceCall(tracing, { tool, meta, ...traced }));
    if (onEvent !== undefined) others.push({ hear: onEvent });
    let counts = this.#tools.get(tool);
    if (counts === undefined) {
      const ends = { completed: 0, failed: 0, cancelled: 0, left: 0, refused: 0, errors: 0 };
      const requests = { startRequests: 0, statusRequests: 0, failedRequests: 0 };
      counts = { tool, running: 0, ...ends, ...requests, ended: 0, totalMs: 0 };
      this.#tools.set(tool, counts);
    }
    return new CountedCall(counts, others);
  }

  read(): ClientStats {
    const tools = [...this.#tools.values()].map(({ ended, totalMs, ...counts }) => {
      const circuit = this.#companions.circuits?.stats(counts.tool);
      const meanDurationMs = ended === 0 ? null : totalMs / ended;
      return { ...counts, meanDurationMs, ...(circuit && { circuit }) };
    });
    return { tools };
  }
}

function kindOf(error: unknown): 'left' | 'refused' | 'errors' {
  if (error instanceof AwaitAbortedError || error instanceof AwaitDetachedError) return 'left';
  return error instanceof CircuitOpenError ? 'refused' : 'errors';
}
