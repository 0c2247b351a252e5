import type { JournalFile } from '../client/journal/journal-file.js';
import type { JournalRecord } from '../client/journal/journal-record.js';
import { ExitCode, UsageError } from './exit-code.js';
import type { CommandIo } from './io.js';
import { shownId, withJobs } from './jobs.js';
import { terminalText } from './terminal-text.js';

export interface ForgetFlags {
  readonly force?: boolean;
  readonly pairs?: boolean;
}

/** `mcp-await forget`: removes a job from this machine's journal, so that its key starts a new one; or its proved pairs. */
export async function forget(
  name: string | undefined,
  { force, pairs }: ForgetFlags,
  io: CommandIo,
): Promise<number> {
  if ((name === undefined) === (pairs !== true))
    throw new UsageError('Name the job to forget by its id or key, or give --pairs for the proved pairs.');
  if (name === undefined) {
    const count = (await withJobs(io, journal => journal.forgetProofs())) ?? 0;
    io.stderr.write(
      count === 0
        ? 'No pair of tools has proved itself so far: there is nothing to forget.\n'
        : `Forgot ${count} proved ${count === 1 ? 'pair' : 'pairs'} of tools.\n`,
    );
    return ExitCode.completed;
  }
  const record = await withJobs(io, journal => {
    const found = findOne(journal, name);
    if (isOpen(found) && force !== true) {
      throw new UsageError(
        `The job ${shownId(found.id)} (\`${found.tool}\`) may still run, and ${found.idempotencyKey === undefined ? 'its result would be lost' : 'its key would start a second one'}. \`mcp-await cancel ${shownId(found.id)}\` ends it; \`mcp-await forget --force ${shownId(found.id)}\` forgets it all the same.`,
      );
    }
    journal.forget(found.id);
    return found;
  });
  if (record === undefined) throw nothingKnown(name);
  const key =
    record.idempotencyKey === undefined ? '' : ` Its key \`${record.idempotencyKey}\` starts a new job.`;
  io.stderr.write(terminalText(`Forgot ${shownId(record.id)} (\`${record.tool}\`).${key}\n`));
  return ExitCode.completed;
}

/** By its whole key, its id or the beginning of that. @throws UsageError unless it is one */
function findOne(journal: JournalFile, name: string): JournalRecord {
  const byKey = journal.findByKeyPrefix(name).filter(({ idempotencyKey }) => idempotencyKey === name);
  const [record, ...others] = byKey.length > 0 || name.length < 4 ? byKey : journal.findByPrefix(name);
  if (record === undefined) throw nothingKnown(name);
  if (others.length === 0) return record;
  const ids = [record, ...others].map(({ id }) => id).join(', ');
  throw new UsageError(`Several jobs are named so: ${ids}. Give the id of one.`);
}

function isOpen({ state, claimUntil }: JournalRecord): boolean {
  return state === 'running' || (state === 'starting' && claimUntil > Date.now());
}

function nothingKnown(name: string): UsageError {
  return new UsageError(
    `The journal has no job with the id or the key ${JSON.stringify(name)}; \`mcp-await list --all\` shows its jobs.`,
  );
}
