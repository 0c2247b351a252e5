import { SIGN_IN } from '../client/authorization/sign-in.js';
import type { AwaitClient } from '../client/await-client.js';
import { defaultJournalFile } from '../client/journal/journal-store.js';
import type { PairProfile } from '../client/tools/pair-options.js';
import { AwaitTimeoutError } from '../errors.js';
import type { Settings } from '../server/config/config-schema.js';
import { formatDuration } from '../time/duration.js';
import { OnDispose } from '../time/on-dispose.js';
import { linkSignals } from '../time/signals.js';
import { startTimer } from '../time/sleep.js';
import { errorFacts } from './error-report.js';
import type { ServerFlags } from './flags.js';
import { type Interrupts, watchInterrupts } from './interrupts.js';
import type { CommandIo } from './io.js';
import { type ProgressView, progressView } from './progress-view.js';
import { type ChosenServer, chooseServer } from './server-choice.js';
import { waitOptionsOf } from './wait-options.js';

export interface ClientSession {
  readonly client: AwaitClient;
  readonly server: ChosenServer;
  readonly interrupts: Interrupts;
  readonly settings: Settings;
  /** Shows that the server was connected to; whoever prints something stops it before. */
  readonly view: ProgressView;
}

export interface ClientFlags extends ServerFlags {
  readonly quiet?: boolean;
  /** Whether nobody is to be asked. */
  readonly json?: boolean;
  /** Names the call, which then is not sent unless it is written down. */
  readonly idempotencyKey?: string;
  /** Whether calls are written down in this machine's journal. */
  readonly journal?: boolean;
  /** Pairs of tools that the command line tells of. */
  readonly pairs?: readonly PairProfile[];
  /** Status words that the command line tells of. */
  readonly words?: PairProfile['words'];
  /** Whether pairs are looked for. */
  readonly detect?: boolean;
  /** Whether the actions of one tool may be a pair, too. */
  readonly detectActions?: boolean;
}

/** Connects to the server that the flags choose, lets `work` use it, and closes it in every case. */
export async function withClient(
  flags: ClientFlags,
  command: readonly string[],
  io: CommandIo,
  work: (session: ClientSession) => Promise<number>,
): Promise<number> {
  const server = chooseServer(flags, command, io);
  using interrupts = watchInterrupts(io);
  const view = progressView(io, flags.quiet === true);
  view.step(server.step);
  using _stopped = new OnDispose(() => view.stop());
  // These take a moment to load, in which the view says already what is going on.
  const { useSettings } = await import('./config/load-settings.js');
  const { canAsk, terminalAsker } = await import('./ask/terminal-asker.js');
  const { AwaitClient } = await import('../client/await-client.js');
  const settings = await useSettings(flags, io);
  const { openSignIns, signsIn } = await import('./sign-in/sign-in.js');
  const isAttended = signsIn(flags, io);
  using signIns = openSignIns({
    io,
    name: flags.server,
    config: flags.config,
    isAttended: () => isAttended,
    opensBrowser: isAttended,
    pause: () => view.pause(),
  });
  // Whoever is signing in at a Ctrl-C has given it up.
  using _stop = interrupts.onFirst(() => signIns[Symbol.dispose]());
  const client = await connectInTime(settings, interrupts.first, signal =>
    AwaitClient.connect(server.target, {
      ...settings.connection,
      onInput: flags.json === true || !canAsk(io) ? undefined : terminalAsker(io, () => view.pause()),
      onEvent: event => {
        view.hear(event);
        if (flags.quiet === true) return;
        if (event.type === 'list-repaired') io.stderr.write(repairedText(event.problems));
        if (event.type === 'journal-failed')
          io.stderr.write(`${errorFacts(event.error).message} The job goes on without its journal.\n`);
      },
      configFile: server.configFile,
      [SIGN_IN]: target => signIns.providerOf(target),
      pairs: flags.pairs,
      words: flags.words,
      detect: flags.detect,
      detectActions: flags.detectActions,
      signal,
      // A result is delivered once it is printed. A call matters more than its record.
      journal: flags.journal === true && {
        file: defaultJournalFile(io.env),
        server: server.known,
        // Without its record the key would not hold: a second command would start the job again.
        required: flags.idempotencyKey !== undefined,
        acknowledge: true,
      },
    }),
  );
  try {
    return await work({ client, server, interrupts, settings, view });
  } finally {
    const { closeClient } = await import('./keep-server.js');
    await closeClient(client, io);
  }
}

/** Connecting is a part of what `--timeout` bounds, also where the server gives signs of life all the time. */
async function connectInTime(
  settings: Settings,
  interrupted: AbortSignal,
  connect: (signal: AbortSignal) => Promise<AwaitClient>,
): Promise<AwaitClient> {
  const { deadlineMs = Number.POSITIVE_INFINITY } = waitOptionsOf(settings);
  using linked = linkSignals(interrupted);
  const stop = startTimer(deadlineMs, () => {
    const message = `Gave up on connecting after ${formatDuration(deadlineMs)} (\`deadlineMs\`, --timeout): the server has not answered \`initialize\`. Nothing was called.`;
    linked.abort(new AwaitTimeoutError(message, { budget: 'deadline' }));
  });
  try {
    return await connect(linked.signal);
  } finally {
    stop();
  }
}

const MAX_PROBLEMS_SHOWN = 5;

/** A line for what could not be read of a server's list. */
function repairedText(problems: readonly string[]): string {
  const left = problems.length - MAX_PROBLEMS_SHOWN;
  const more = left > 0 ? ` (and ${left} more)` : '';
  return `${problems.slice(0, MAX_PROBLEMS_SHOWN).join(' ')}${more}\n`;
}
