import type { JournalRecord } from '../client/journal/journal-record.js';
import { describeServer } from '../client/journal/known-server.js';
import { formatDuration } from '../time/duration.js';
import { ExitCode } from './exit-code.js';
import type { CommandIo } from './io.js';
import { shownId, withJobs } from './jobs.js';
import { printJson, printLines } from './report.js';
import { oneLine } from './terminal-text.js';
import { tableLines } from './text-table.js';

export interface ListFlags {
  readonly all?: boolean;
  /** Whether the servers of open jobs are asked first. */
  readonly refresh?: boolean;
  readonly json?: boolean;
}

/** What was heard before that may no longer be so. */
const STALE_MS = 5000;

const HEAD = ['id', 'tool', 'server', 'status', 'age', 'message'];

/** `mcp-await list`: the jobs of this machine's journal. */
export async function list({ all = false, refresh, json }: ListFlags, io: CommandIo): Promise<number> {
  const read = async () => (await withJobs(io, journal => journal.list({ all }))) ?? [];
  const known = await read();
  if (refresh === true) await (await import('./refresh-jobs.js')).refreshJobs(known, io);
  const records = refresh === true ? await read() : known;
  const now = Date.now();
  if (json === true) {
    printJson(
      io,
      records.map(record => ({ ...jsonOf(record), status: statusOf(record, now) })),
    );
  } else if (records.length === 0) {
    io.stderr.write(
      all ? 'The journal holds no jobs.\n' : 'No job is open; --all shows those whose end was delivered.\n',
    );
  } else {
    const rows = records.map(record => [
      shownId(record.id),
      oneLine(record.tool),
      oneLine(describeServer(record.server)),
      record.state === 'ended' ? `${statusOf(record, now)}, not delivered` : statusOf(record, now),
      formatDuration(Math.floor((now - record.startedAt) / 1000) * 1000),
      oneLine(record.message ?? ''),
    ]);
    printLines(io, tableLines([HEAD, ...rows], 'left'));
    const heardMs = refresh === true ? 0 : sinceHeardMs(records, now);
    if (heardMs >= STALE_MS)
      io.stderr.write(
        `What is open was last heard of ${formatDuration(Math.floor(heardMs / 1000) * 1000)} ago; \`mcp-await list --refresh\` asks how it stands now.\n`,
      );
  }
  return ExitCode.completed;
}

/** Of the open jobs, how long ago the one was heard of of which nothing was heard for longest; 0 where none is open. */
function sinceHeardMs(records: readonly JournalRecord[], now: number): number {
  // The process that holds a job writes down what it hears.
  const open = records.filter(({ state, claimUntil }) => state === 'running' && claimUntil <= now);
  return Math.max(0, ...open.map(({ updatedAt }) => now - updatedAt));
}

function statusOf({ state, status, claimUntil, protocol }: JournalRecord, now: number): string {
  if (state !== 'starting') return status;
  // A synchronous call has no start apart from its work, and ends with the process that made it.
  if (protocol === 'sync') return claimUntil > now ? 'working' : 'abandoned';
  return claimUntil > now ? 'starting' : 'unknown';
}

function jsonOf(record: JournalRecord) {
  const { id, tool, server, protocol, state, message, reference, idempotencyKey, outcome } = record;
  const time = (milliseconds: number) => new Date(milliseconds).toISOString();
  return {
    id,
    tool,
    server,
    protocol,
    state,
    message: message ?? null,
    reference: reference ?? null,
    idempotencyKey: idempotencyKey ?? null,
    hasResult: outcome !== undefined,
    startedAt: time(record.startedAt),
    updatedAt: time(record.updatedAt),
    expiresAt: time(record.expiresAt),
  };
}
