import type { JournalRecord } from '../client/journal/journal-record.js';
import { resultOfOutcome } from '../protocols/tool-result.js';
import type { Outcome } from '../types.js';
import { awaitJob } from './await-job.js';
import { exitCodeOfStatus } from './exit-code.js';
import type { ServerFlags, WaitFlags } from './flags.js';
import type { CommandIo } from './io.js';
import { findJob, markDelivered, referenceOf } from './jobs.js';
import { endedTask } from './kept-job.js';
import { chooseAgain } from './known-choice.js';
import { printed } from './output.js';
import { type WordFlags, wordsOfFlags } from './pair-flags.js';
import { progressView } from './progress-view.js';
import { printResult } from './report.js';
import { waitOptionsOf } from './wait-options.js';
import { withClient } from './with-client.js';

/** `mcp-await wait`: picks a job up again and prints its final result. */
export async function wait(
  source: string,
  flags: ServerFlags & WaitFlags & WordFlags,
  command: readonly string[],
  io: CommandIo,
): Promise<number> {
  const job = await findJob({ source, flags, command, io });
  const { record } = job;
  const json = flags.json === true;
  if (record?.outcome !== undefined) return tellKept(record, record.outcome, { io, json });
  const reference = referenceOf(job);
  const choice = chooseAgain(record, flags, command);
  const clientFlags = {
    ...choice.flags,
    quiet: flags.quiet === true,
    json,
    journal: true,
    words: wordsOfFlags(flags),
  };
  return withClient(clientFlags, choice.command, io, async session => {
    const { client, server, interrupts, settings, onEvent, onAsk } = session;
    const view = progressView(reference.tool, io, flags.quiet === true);
    onEvent(event => view.hear(event));
    onAsk(() => view.pause());
    const task = await client.resumeTask(reference, {
      ...waitOptionsOf(settings),
      signal: interrupts.second,
      onUpdate: snapshot => view.update(snapshot),
    });
    const output = { io, json, quiet: flags.quiet === true, server };
    return awaitJob(task, { ...output, view, interrupts, onInterrupt: flags.onInterrupt });
  });
}

/** A result that the journal holds needs no server. */
async function tellKept(
  record: JournalRecord,
  outcome: Outcome,
  output: { readonly io: CommandIo; readonly json: boolean },
): Promise<number> {
  printResult(endedTask(record, outcome), resultOfOutcome(outcome), output);
  if (await printed(output.io)) await markDelivered(record, output.io);
  return exitCodeOfStatus(outcome.status);
}
