import type { JournalRecord } from '../client/journal/journal-record.js';
import { resultOfOutcome } from '../protocols/tool-result.js';
import type { Outcome } from '../types.js';
import { ageSince } from './end-line.js';
import { exitCodeOfStatus, UsageError } from './exit-code.js';
import type { ServerFlags, WaitFlags } from './flags.js';
import { givenFlags } from './given-flags.js';
import { isHeldJob, onceReleased } from './held-job.js';
import type { CommandIo } from './io.js';
import { findJob, markDelivered, referenceOf, shownId } from './jobs.js';
import { chooseAgain } from './known-choice.js';
import { type WordFlags, wordsOfFlags } from './pair-flags.js';
import { endedTask, heldTask, jsonReport, printJson, printResult, type ResultOutput } from './report.js';
import { waitOptionsOf } from './wait-options.js';

/** Flags that only whoever asks the server can obey. */
const OF_THE_KEEPER = [
  '--done-word',
  '--failed-word',
  '--max-attempts',
  '--initial-interval',
  '--max-interval',
];

/** `mcp-await wait`: picks a job up again and prints its final result. */
export async function wait(
  source: string,
  flags: ServerFlags & WaitFlags & WordFlags,
  command: readonly string[],
  io: CommandIo,
): Promise<number> {
  const job = await findJob({ source, flags, command, io });
  const record = await released(job.record, flags, io);
  if (record?.outcome !== undefined) return tellKept(record, record.outcome, { io, flags });
  const reference = referenceOf(job);
  const choice = chooseAgain(record, flags, command);
  const clientFlags = { ...flags, ...choice.flags, journal: true, words: wordsOfFlags(flags) };
  const { withClient } = await import('./with-client.js');
  const { awaitJob } = await import('./await-job.js');
  return withClient(clientFlags, choice.command, io, async session => {
    const { client, interrupts, settings, view } = session;
    view.task(reference.tool, ageSince(reference.startedAt));
    const task = await client.resumeTask(reference, {
      ...waitOptionsOf(settings),
      signal: interrupts.second,
      onUpdate: snapshot => view.update(snapshot),
    });
    return awaitJob(task, { ...session, flags, io, isResumed: true });
  });
}

/** A job whose server another process keeps is not asked for until that lets it go. */
async function released(
  record: JournalRecord | undefined,
  flags: ServerFlags & WaitFlags,
  io: CommandIo,
): Promise<JournalRecord | undefined> {
  if (record === undefined || !isHeldJob(record)) return record;
  refuseForHeld(record, flags);
  const { useSettings } = await import('./config/load-settings.js');
  const { deadlineMs } = waitOptionsOf(await useSettings(flags, io));
  return onceReleased(record, deadlineMs ?? Number.POSITIVE_INFINITY, io).catch(async error => {
    const { errorFacts } = await import('./error-report.js');
    const status = record.status === 'unknown' ? 'working' : record.status;
    if (flags.json === true)
      printJson(io, jsonReport(heldTask(record, status), { error: errorFacts(error) }));
    throw error;
  });
}

/** @throws UsageError for flags of a wait that another process does */
function refuseForHeld({ id }: JournalRecord, flags: object): void {
  const idle = givenFlags(flags, OF_THE_KEEPER);
  if (idle.length > 0)
    throw new UsageError(
      `${idle.join(' and ')} would have no effect on ${shownId(id)}: the process that keeps its server waits for it, by what the job was started with. Wait without, or end it by \`mcp-await cancel ${shownId(id)}\`.`,
    );
}

/** A result that the journal holds needs no server. */
async function tellKept(
  record: JournalRecord,
  outcome: Outcome,
  output: Pick<ResultOutput, 'io' | 'flags'>,
): Promise<number> {
  const elapsedMs = record.updatedAt - record.startedAt;
  const task = endedTask(record, outcome);
  if (await printResult(task, resultOfOutcome(outcome), { ...output, elapsedMs }))
    await markDelivered(record, output.io);
  return exitCodeOfStatus(outcome.status);
}
