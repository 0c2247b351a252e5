import type { Outcome, TaskReference, TaskStatus } from '../../types.js';
import type { KnownServer } from './known-server.js';

/**
 * - `starting`: the start may have been sent, its answer is not known;
 * - `running`: the reference is known;
 * - `ended`: the outcome is known, and nobody has it yet;
 * - `delivered`: the caller has it.
 */
export type CallState = 'starting' | 'running' | 'ended' | 'delivered';

/** One logical call in the journal. Times are milliseconds since 1970. */
export interface JournalRecord {
  readonly id: string;
  readonly server: KnownServer;
  readonly tool: string;
  readonly protocol: string;
  readonly reference: TaskReference | undefined;
  readonly idempotencyKey: string | undefined;
  readonly argumentsDigest: string;
  readonly state: CallState;
  /** The last known one; `unknown` when the server no longer knows the task. */
  readonly status: TaskStatus | 'unknown';
  readonly message: string | undefined;
  /** Missing before the end, and where it was too large to be kept. */
  readonly outcome: Outcome | undefined;
  /** Of a call that is starting: until when the process that starts it is sure to live. */
  readonly claimUntil: number;
  readonly startedAt: number;
  readonly updatedAt: number;
  readonly expiresAt: number;
}

/** A row of the table `calls` as the driver returns it. */
export interface CallRow {
  readonly id: string;
  readonly idempotency_key: string | null;
  readonly arguments_digest: string;
  readonly server: string;
  readonly tool: string;
  readonly protocol: string;
  readonly reference: string | null;
  readonly state: CallState;
  readonly status: JournalRecord['status'];
  readonly message: string | null;
  readonly outcome: string | null;
  readonly claim_until: number;
  readonly started_at: number;
  readonly updated_at: number;
  readonly expires_at: number;
}

export function toJournalRecord(row: CallRow): JournalRecord {
  return {
    id: row.id,
    server: JSON.parse(row.server),
    tool: row.tool,
    protocol: row.protocol,
    reference: parse(row.reference) as TaskReference | undefined,
    idempotencyKey: row.idempotency_key ?? undefined,
    argumentsDigest: row.arguments_digest,
    state: row.state,
    status: row.status,
    message: row.message ?? undefined,
    outcome: parse(row.outcome) as Outcome | undefined,
    claimUntil: row.claim_until,
    startedAt: row.started_at,
    updatedAt: row.updated_at,
    expiresAt: row.expires_at,
  };
}

function parse(json: string | null): unknown {
  return json === null ? undefined : JSON.parse(json);
}
