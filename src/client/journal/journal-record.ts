import { ConfigurationError, OutcomeUnknownError } from '../../errors.js';
import { isRecord, parseJson } from '../../protocols/tool-result.js';
import type { Outcome, TaskReference, TaskStatus } from '../../types.js';
import type { KnownServer } from './known-server.js';

/**
 * - `starting`: the start may have been sent, its answer is not known;
 * - `running`: the reference is known;
 * - `ended`: the outcome is known, and nobody has it yet;
 * - `delivered`: the caller has it.
 */
export type JournalState = 'starting' | 'running' | 'ended' | 'delivered';

/** One logical call in the journal. Times are milliseconds since 1970. */
export interface JournalRecord {
  readonly id: string;
  readonly server: KnownServer;
  readonly tool: string;
  readonly protocol: string;
  readonly reference: TaskReference | undefined;
  readonly idempotencyKey: string | undefined;
  readonly argumentsDigest: string;
  readonly state: JournalState;
  /** The last known one; `unknown` when the server no longer knows the task. */
  readonly status: TaskStatus | 'unknown';
  readonly message: string | undefined;
  /** Missing before the end, and where it was too large to be kept. */
  readonly outcome: Outcome | undefined;
  /** Whether all of it could be read. */
  readonly isReadable: boolean;
  /** Until when the process that starts the call, or alone can ask its server, is sure to live. */
  readonly claimUntil: number;
  readonly startedAt: number;
  readonly updatedAt: number;
  readonly expiresAt: number;
}

type NullableColumn = 'reference' | 'idempotencyKey' | 'message' | 'outcome';

/** A row of the table `calls`: the columns of a record, of which some are JSON and some may be null. */
export type CallRow = Omit<JournalRecord, NullableColumn | 'server' | 'isReadable'> &
  Readonly<Record<NullableColumn, string | null>> & { readonly server: string };

const DAMAGED_SERVER: KnownServer = { kind: 'other', name: 'unreadable' };

/**
 * The record of a row. What another program has damaged is left out and said, so that one row breaks neither the list nor
 * another call.
 */
export function toJournalRecord(row: CallRow): JournalRecord {
  const [server, reference, outcome] = [row.server, row.reference, row.outcome].map(json =>
    parseJson(json ?? ''),
  );
  const isReadable =
    isServer(server) &&
    (row.reference === null || isReference(reference)) &&
    (row.outcome === null || isOutcome(outcome));
  return {
    ...row,
    server: isServer(server) ? server : DAMAGED_SERVER,
    reference: isReference(reference) ? reference : undefined,
    idempotencyKey: row.idempotencyKey ?? undefined,
    status: isReadable ? row.status : 'unknown',
    message: isReadable ? (row.message ?? undefined) : 'The record of this call cannot be read.',
    outcome: isOutcome(outcome) ? outcome : undefined,
    isReadable,
  };
}

function isServer(value: unknown): value is KnownServer {
  if (!isRecord(value)) return false;
  switch (value.kind) {
    case 'http':
      return typeof value.url === 'string';
    case 'stdio':
      return typeof value.command === 'string' && Array.isArray(value.args);
    case 'named':
    case 'other':
      return typeof value.name === 'string';
    default:
      return value.kind === 'bundled';
  }
}

function isReference(value: unknown): value is TaskReference {
  return isRecord(value) && typeof value.protocol === 'string' && typeof value.tool === 'string';
}

function isOutcome(value: unknown): value is Outcome {
  if (!isRecord(value)) return false;
  return value.status === 'completed' ? isRecord(value.result) : isRecord(value.error);
}

/** The key names a call with other arguments. */
export function keyTaken({ id, tool, idempotencyKey }: JournalRecord): ConfigurationError {
  return new ConfigurationError(
    `The idempotency key \`${idempotencyKey}\` already names a call of \`${tool}\` with other arguments (${id} in the journal). Give this call a key of its own.`,
    { tool },
  );
}

/** The call may have run, and neither the journal nor the server can tell what came of it. */
export function outcomeUnknown({
  id,
  tool,
  state,
  startedAt,
  isReadable,
}: JournalRecord): OutcomeUnknownError {
  const when = new Date(startedAt).toISOString();
  const why = !isReadable
    ? 'its record cannot be read'
    : state === 'starting'
      ? 'its process ended before the server had answered'
      : 'its result was too large for the journal';
  return new OutcomeUnknownError(
    `\`${tool}\` was called at ${when} (${id} in the journal), but ${why}: the job may or may not have run. Look before you call it again, with another key or after \`npx mcp-await forget ${id}\`.`,
    { tool },
  );
}
