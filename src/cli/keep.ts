import { text } from 'node:stream/consumers';
import { AwaitClient } from '../client/await-client.js';
import { journalLimits } from '../client/journal/journal-limits.js';
import { defaultJournalFile } from '../client/journal/journal-store.js';
import { HANDED } from '../client/stdio/handed-server.js';
import { startTimer } from '../time/sleep.js';
import { useSettings } from './config/load-settings.js';
import { ExitCode } from './exit-code.js';
import type { CommandIo } from './io.js';
import { withJobs } from './jobs.js';
import type { KeptServer } from './keep-server.js';
import { waitOptionsOf } from './wait-options.js';

/** `mcp-await keep`, which no person runs: keeps a server until its task has ended, and writes the end into the journal. */
export async function keep(io: CommandIo): Promise<number> {
  const { handed, server, reference, journalId }: KeptServer = JSON.parse(await text(io.stdin));
  const { target, configFile, known } = server;
  const settings = await useSettings({ quiet: true }, io);
  using _claim = holdJob(journalId, io);
  const client = await AwaitClient.connect(target, {
    ...settings.connection,
    [HANDED]: handed,
    reconnect: false,
    configFile,
    journal: { file: defaultJournalFile(io.env), server: known, required: false, acknowledge: true },
  });
  try {
    const task = await client.resumeTask(reference, waitOptionsOf(settings));
    await task.result();
    return ExitCode.completed;
  } finally {
    await client.close();
  }
}

/** Tells other commands that the job is in the hands of this process: only it can ask the server. */
function holdJob(id: string, io: CommandIo): Disposable {
  let stop = () => {};
  const hold = () => {
    void withJobs(io, journal => journal.holdClaims([id])).catch(() => {});
    stop = startTimer(journalLimits.claimMs / 3, hold, { unref: true });
  };
  hold();
  return {
    [Symbol.dispose]() {
      stop();
      void withJobs(io, journal => journal.holdClaims([id], 0)).catch(() => {});
    },
  };
}
