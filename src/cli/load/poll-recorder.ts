import { type CallToolResult, CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { AwaitEvent } from '../../client/events.js';
import { payloadOf } from '../../protocols/tool-result.js';
import { isEndStatus, type Snapshot } from '../../types.js';
import type { PollInterval } from './backoff-check.js';

type StatusRequest = Extract<AwaitEvent, { type: 'status-requested' }>;

/** Notes when one task's status was asked for and answered. */
export class PollRecorder {
  readonly intervals: PollInterval[] = [];
  polls = 0;
  endedAt: number | undefined;
  knownAt: number | undefined;
  /** On the clock of `performance.now()`; undefined before the first answer. */
  #answeredAt: number | undefined;
  #attempt = 0;

  request({ attempt, hintMs, woken }: Pick<StatusRequest, 'attempt' | 'hintMs' | 'woken'>): void {
    // What the server itself brings about is no pace of ours.
    if (this.#answeredAt === undefined || woken) return;
    this.intervals.push({ attempt, hintMs, waitedMs: performance.now() - this.#answeredAt });
  }

  observe({ status, attempt, raw }: Snapshot): void {
    this.#answeredAt = performance.now();
    if (attempt > this.#attempt) this.polls += 1;
    this.#attempt = attempt;
    if (!isEndStatus(status) || this.polls === 0) return;
    this.knownAt = Date.now();
    this.endedAt = endMoment(raw);
  }
}

/** The bundled server tells with the state when it was reached. */
function endMoment(raw: unknown): number | undefined {
  const answer = CallToolResultSchema.safeParse(raw);
  const updatedAt = answer.success ? payloadOf(answer.data as CallToolResult)?.updated_at : undefined;
  const moment = typeof updatedAt === 'string' ? Date.parse(updatedAt) : Number.NaN;
  return Number.isNaN(moment) ? undefined : moment;
}
