import type { JournalRecord } from '../client/journal/journal-record.js';
import { describeServer } from '../client/journal/known-server.js';
import { AwaitTimeoutError } from '../errors.js';
import { errorFacts } from './error-report.js';
import { ExitCode } from './exit-code.js';
import { isHeldJob } from './held-job.js';
import type { CommandIo } from './io.js';
import { shownId } from './jobs.js';
import { chooseAgain } from './known-choice.js';
import { progressView } from './progress-view.js';
import { withClient } from './with-client.js';

const MAX_SERVERS_AT_ONCE = 4;
/** A server that says nothing for this time is left out. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Asks once how each open job stands; the journal hears of it. What cannot be asked is told, and the others go on. */
export async function refreshJobs(records: readonly JournalRecord[], io: CommandIo): Promise<void> {
  // The process that holds a job writes down what it hears.
  const open = records.filter(
    record => record.state === 'running' && record.reference !== undefined && !isHeldJob(record),
  );
  const byServer = groupedByServer(open);
  const problems: string[] = [];
  const view = progressView(io, false);
  view.step(`asking how ${open.length} ${open.length === 1 ? 'job stands' : 'jobs stand'}`);
  try {
    for (let index = 0; index < byServer.length; index += MAX_SERVERS_AT_ONCE) {
      const some = byServer.slice(index, index + MAX_SERVERS_AT_ONCE);
      problems.push(...(await Promise.all(some.map(jobs => askServer(jobs, io)))).flat());
    }
  } finally {
    view.stop();
  }
  for (const problem of problems) io.stderr.write(`${problem}\n`);
}

function groupedByServer(records: readonly JournalRecord[]): readonly (readonly JournalRecord[])[] {
  const groups = new Map<string, JournalRecord[]>();
  for (const record of records) {
    const key = JSON.stringify(record.server);
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  return [...groups.values()];
}

/** @returns what went wrong, in lines */
async function askServer(jobs: readonly JournalRecord[], io: CommandIo): Promise<readonly string[]> {
  const problems: string[] = [];
  const tell = (record: JournalRecord, error: unknown) =>
    problems.push(`${shownId(record.id)} (${record.tool}): ${errorFacts(error).message}`);
  const [first] = jobs;
  if (first === undefined) return problems;
  try {
    const { flags, command } = chooseAgain(first, {}, []);
    const clientFlags = { ...flags, quiet: true, journal: true, connectTimeout: CONNECT_TIMEOUT_MS };
    await withClient(clientFlags, command, io, async ({ client, interrupts }) => {
      for (const record of jobs) {
        if (record.reference === undefined || interrupts.first.aborted) continue;
        const options = { maxAttempts: 1, signal: interrupts.first };
        await client
          .resumeTask(record.reference, options)
          .then(task => task.result())
          .catch(error => (error instanceof AwaitTimeoutError ? undefined : tell(record, error)));
      }
      return ExitCode.completed;
    });
  } catch (error) {
    for (const record of jobs) tell(record, error);
    if (jobs.length > 1)
      return [`${jobs.length} jobs of ${describeServer(first.server)}: ${errorFacts(error).message}`];
  }
  return problems;
}
