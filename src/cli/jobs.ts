import type { JournalFile } from '../client/journal/journal-file.js';
import type { JournalRecord } from '../client/journal/journal-record.js';
import { defaultJournalFile } from '../client/journal/journal-store.js';
import { OutcomeUnknownError } from '../errors.js';
import { whenUnlocked } from '../storage/file-lock.js';
import { isMissing } from '../storage/state-folder.js';
import type { TaskReference } from '../types.js';
import { errorFacts } from './error-report.js';
import { UsageError } from './exit-code.js';
import type { ServerFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { namesServer } from './known-choice.js';
import { readSource } from './read-source.js';

/** A job that a command is about. */
export interface Job {
  /** Missing when it is none of this machine's journal. */
  readonly record: JournalRecord | undefined;
  /** Missing when its start was never answered. */
  readonly reference: TaskReference | undefined;
}

export interface JobQuestion {
  readonly source: string;
  readonly flags: ServerFlags & { readonly quiet?: boolean };
  readonly command: readonly string[];
  readonly io: CommandIo;
}

/** The id of a call in the journal, or how it begins. */
const ID = /^[0-9a-f]{4,10}$/;

/** As much of a job's id as tells it from others; where it does not, the command that is given it says so. */
export function shownId(id: string): string {
  return id.slice(0, 6);
}

/** Lets `work` use this machine's journal; undefined where there is none yet. @throws ConfigurationError when it cannot be opened */
export async function withJobs<Result>(
  io: CommandIo,
  work: (journal: JournalFile) => Result,
): Promise<Result | undefined> {
  const file = defaultJournalFile(io.env);
  if (isMissing(file)) return undefined;
  const { JournalFile } = await import('../client/journal/journal-file.js');
  const journal = await whenUnlocked(() => new JournalFile(file));
  try {
    return await whenUnlocked(() => work(journal));
  } finally {
    journal.close();
  }
}

/**
 * The job that a person names: by its id in the journal or the beginning of it, by its task_ref, or by the JSON of its
 * reference, also as `@file` or from standard input (`-`).
 * @throws UsageError or ConfigurationError when it is none
 */
export async function findJob({ source, flags, command, io }: JobQuestion): Promise<Job> {
  const text = (await readSource(source, 'the reference', io)).trim();
  const isNamed = namesServer(flags, command);
  const look = <Result>(work: (journal: JournalFile) => Result) =>
    withJobs(io, work).catch(error => {
      // A reference is good without any journal.
      if (flags.quiet !== true) io.stderr.write(`${errorFacts(error).message}\n`);
      return undefined;
    });
  if (ID.test(text)) {
    const [record, another] = (await look(journal => journal.findByPrefix(text))) ?? [];
    if (another !== undefined)
      throw new UsageError(`Several jobs have an id that begins with ${text}; give more of it.`);
    if (record !== undefined) return { record, reference: record.reference };
    if (!isNamed)
      throw new UsageError(
        `There is no job ${text} in the journal; \`mcp-await list --all\` shows its jobs.`,
      );
  }
  // It comes with all protocols, which an id does without.
  const { isOwnTaskRef, parseReferenceText } = await import('./reference-text.js');
  const reference = parseReferenceText(text);
  // Another server may have a task of the same name.
  if (isNamed) return { record: undefined, reference };
  const record = (await look(journal => journal.findByReference(reference)))?.[0];
  if (record === undefined && !text.startsWith('{') && !isOwnTaskRef(text))
    throw new UsageError(
      `There is no job ${text} in the journal, and it is no task_ref of the bundled server; \`mcp-await list --all\` shows the jobs. A task of another server is named with its --url, --server or -- COMMAND.`,
    );
  return { record, reference: record?.reference ?? reference };
}

/** @throws OutcomeUnknownError when the start of the job was never answered */
export function referenceOf({ record, reference }: Job): TaskReference {
  if (reference !== undefined) return reference;
  const { id, tool, protocol, claimUntil, idempotencyKey } = record as JournalRecord;
  if (claimUntil > Date.now()) {
    const state =
      protocol === 'sync'
        ? 'is under way in the process that called it, and ends with it'
        : 'is just being started; try again in a moment';
    throw new OutcomeUnknownError(`The job ${shownId(id)} (\`${tool}\`) ${state}.`, { tool });
  }
  const next =
    idempotencyKey === undefined
      ? 'Look before you call it again.'
      : 'Run it again with the same --idempotency-key: if that is safe, it finds or starts the one job.';
  throw new OutcomeUnknownError(
    `The process that started ${shownId(id)} (\`${tool}\`) ended before the server had answered: the job may or may not run. ${next}`,
    { tool },
  );
}

/** The result is on its way to whoever asked: no later process need deliver it. */
export async function markDelivered({ id }: JournalRecord, io: CommandIo): Promise<void> {
  // A journal that cannot be written tells the result once more, which does no harm.
  await withJobs(io, journal => journal.deliver(id)).catch(() => {});
}
