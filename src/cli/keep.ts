import { text } from 'node:stream/consumers';
import { AwaitClient } from '../client/await-client.js';
import { defaultJournalFile } from '../client/journal/journal-store.js';
import { HANDED } from '../client/stdio/handed-server.js';
import { startTimer } from '../time/sleep.js';
import { useSettings } from './config/load-settings.js';
import { ExitCode } from './exit-code.js';
import { takeCancelRequest } from './held-job.js';
import type { CommandIo } from './io.js';
import { withJobs } from './jobs.js';
import type { KeptServer } from './keep-server.js';
import { waitOptionsOf } from './wait-options.js';

const LOOK_AGAIN_MS = 1000;
/** Whatever the settings say of the patience of a person: it is the server that is waited for. */
const UNTIL_THE_END = { maxAttempts: Number.POSITIVE_INFINITY, deadlineMs: 24 * 3_600_000 };

/** `mcp-await keep`, which no person runs: keeps a server until its task has ended, and writes the end into the journal. */
export async function keep(io: CommandIo): Promise<number> {
  const { handed, server, reference, journalId, polling }: KeptServer = JSON.parse(await text(io.stdin));
  const { target, configFile, known } = server;
  const settings = await useSettings({ quiet: true }, io);
  const client = await AwaitClient.connect(target, {
    ...settings.connection,
    [HANDED]: handed,
    reconnect: false,
    configFile,
    journal: { file: defaultJournalFile(io.env), server: known, required: false, acknowledge: true },
  });
  const forgotten = new AbortController();
  try {
    const options = { ...waitOptionsOf({ polling }), ...UNTIL_THE_END, signal: forgotten.signal };
    const task = await client.resumeTask(reference, options);
    using _hold = holdJob(journalId, io, {
      onCancel: () => void task.cancel().catch(() => {}),
      onForgotten: () => forgotten.abort(new Error('The journal no longer has the job')),
    });
    await task.result();
    return ExitCode.completed;
  } finally {
    await client.close();
  }
}

interface HoldListener {
  /** Somebody wants the task cancelled. */
  readonly onCancel: () => void;
  /** The journal does not have the job any more: nobody could fetch its result. */
  readonly onForgotten: () => void;
}

/** Tells other commands, again and again, that the job is in the hands of this process: only it can ask the server. */
export function holdJob(id: string, io: CommandIo, { onCancel, onForgotten }: HoldListener): Disposable {
  let stop = () => {};
  let isOver = false;
  const look = async () => {
    const isKnown = await withJobs(io, journal => {
      journal.holdClaims([id]);
      return journal.find(id) !== undefined;
    }).catch(() => true);
    if (isOver) return;
    if (isKnown !== true) return onForgotten();
    if (await takeCancelRequest(id, io)) onCancel();
    if (isOver) return;
    stop = startTimer(LOOK_AGAIN_MS, () => {
      looking = look();
    });
  };
  let looking = look();
  return {
    [Symbol.dispose]() {
      isOver = true;
      stop();
      // A look that is under way holds it once more.
      void looking.then(() => withJobs(io, journal => journal.holdClaims([id], 0))).catch(() => {});
    },
  };
}
