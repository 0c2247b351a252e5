import { AwaitAbortedError, AwaitDetachedError, CircuitOpenError } from '../../errors.js';
import { BoundedMap } from '../../pacing/bounded-map.js';
import type { AwaitEvent } from '../events.js';
import type { CircuitStats } from '../faults/circuits.js';
import type { CallEnd, CallWatch } from './call-watch.js';

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

class CountedCall implements CallWatch {
  readonly #counts: Counts;
  readonly #begunAt = performance.now();
  #started = false;

  constructor(counts: Counts) {
    this.#counts = counts;
    counts.running++;
  }

  starting(): void {
    this.#started = true;
    this.#counts.startRequests++;
  }

  hear({ type }: AwaitEvent): void {
    if (type === 'status-requested') this.#counts.statusRequests++;
    if (type === 'request-failed') this.#counts.failedRequests++;
  }

  ended(end: CallEnd): void {
    const counts = this.#counts;
    counts.running--;
    const kind = kindOf(end);
    counts[kind]++;
    if (!this.#started || (kind !== 'completed' && kind !== 'failed')) return;
    counts.ended++;
    counts.totalMs += performance.now() - this.#begunAt;
  }
}

/** Counts the calls of one client by tool. */
export class CallStats {
  readonly #tools = new BoundedMap<Counts>(MAX_TOOLS);

  watch(tool: string): CallWatch {
    return new CountedCall(this.#countsOf(tool));
  }

  read(circuitOf: (tool: string) => CircuitStats | undefined): ClientStats {
    const tools = [...this.#tools.values()].map(({ ended, totalMs, ...counts }) => {
      const circuit = circuitOf(counts.tool);
      const meanDurationMs = ended === 0 ? null : totalMs / ended;
      return { ...counts, meanDurationMs, ...(circuit && { circuit }) };
    });
    return { tools };
  }

  #countsOf(tool: string): Counts {
    const counts = this.#tools.get(tool) ?? newCounts(tool);
    this.#tools.set(tool, counts);
    return counts;
  }
}

function newCounts(tool: string): Counts {
  const ends = { completed: 0, failed: 0, cancelled: 0, left: 0, refused: 0, errors: 0 };
  const requests = { startRequests: 0, statusRequests: 0, failedRequests: 0 };
  return { tool, running: 0, ...ends, ...requests, ended: 0, totalMs: 0 };
}

function kindOf(end: CallEnd): 'completed' | 'failed' | 'cancelled' | 'left' | 'refused' | 'errors' {
  if ('outcome' in end) return end.outcome.status;
  if (end.error instanceof AwaitAbortedError || end.error instanceof AwaitDetachedError) return 'left';
  return end.error instanceof CircuitOpenError ? 'refused' : 'errors';
}
