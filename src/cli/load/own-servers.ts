import { spawn } from 'node:child_process';
import { ConfigurationError } from '../../errors.js';
import { isWithin } from '../../time/at-most.js';
import { formatDuration } from '../../time/duration.js';
import { untilAborted } from '../../time/signals.js';
import type { CommandIo } from '../io.js';
import { BIN } from '../server-choice.js';
import type { RestartScope } from './load-flags.js';

interface ChildOptions {
  /** Words of an `mcp-await` command line. */
  readonly words: readonly string[];
  /** Settings that other users of the machine should not see, as they see the words. */
  readonly settings: Readonly<Record<string, string>>;
  /** What it writes to standard error once it serves. */
  readonly ready: RegExp;
  readonly io: CommandIo;
  readonly signal: AbortSignal;
  /** Told when it ends and was not asked to. */
  readonly onUnexpectedEnd: (stderr: string) => void;
}

/** How long it may take to end after each signal; whatever it then runs is failed by the second. */
const SIGNALS: readonly (readonly [NodeJS.Signals, number])[] = [
  ['SIGTERM', 500],
  ['SIGTERM', 3000],
];

const STDERR_TAIL_CHARACTERS = 2000;

/** An `mcp-await` process of ours that serves. */
interface OwnProcess {
  readonly pid: number | undefined;
  /** What `ready` has matched. */
  readonly match: RegExpExecArray;
  /** As a crash would: it can do nothing any more. */
  kill(): Promise<void>;
  /** Lets it end in good order, for some seconds. */
  stop(): Promise<void>;
}

/**
 * Starts a process and waits until it serves.
 * @throws ConfigurationError with its last words when it ends instead; the signal's reason when it aborts
 */
async function startProcess(options: ChildOptions): Promise<OwnProcess> {
  const { words, settings, ready, io, signal, onUnexpectedEnd } = options;
  const child = spawn(process.execPath, [BIN, ...words], {
    cwd: io.cwd(),
    env: { ...withoutSettings(io.env), ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  let state: 'starting' | 'serving' | 'ending' = 'starting';
  const ended = new Promise<void>(resolve => {
    child.once('error', () => resolve());
    child.once('close', () => {
      if (state === 'serving') onUnexpectedEnd(stderr.trim());
      resolve();
    });
  });
  const serves = new Promise<RegExpExecArray>((resolve, reject) => {
    child.stderr.on('data', chunk => {
      stderr = (stderr + String(chunk)).slice(-STDERR_TAIL_CHARACTERS);
      const match = ready.exec(stderr);
      if (match !== null) resolve(match);
    });
    void ended.then(() => {
      const line = child.spawnargs.slice(2).join(' ');
      reject(new ConfigurationError(`\`mcp-await ${line}\` could not start: ${stderr.trim()}`));
    });
  });
  const kill = async () => {
    state = 'ending';
    child.kill('SIGKILL');
    await ended;
  };
  try {
    const match = await untilAborted(serves, signal);
    state = 'serving';
    return {
      pid: child.pid,
      match,
      kill,
      async stop() {
        state = 'ending';
        for (const [name, patienceMs] of SIGNALS) {
          child.kill(name);
          await isWithin(ended, patienceMs);
        }
        await kill();
      },
    };
  } catch (error) {
    await kill();
    throw error;
  }
}

export interface OwnServersOptions {
  readonly store: string;
  readonly keyPrefix: string | undefined;
  /** A settings file that says nothing: only what is said here shall hold. */
  readonly settingsFile: string;
  /** 0 for none: then the front runs the tasks. */
  readonly workerCount: number;
  /** Of each process that runs tasks. */
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly io: CommandIo;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

interface Member {
  readonly name: string;
  readonly words: () => readonly string[];
  readonly ready: RegExp;
  process?: OwnProcess;
}

/** A front and, where wanted, workers: processes of ours on one store, which end with us. */
export interface OwnServers {
  /** The MCP endpoint of the front. */
  readonly url: string;
  /** Kills the front and, where there are any, one worker (but with `front` the front alone), and starts them again. */
  restart(scope: RestartScope): Promise<{ killed: string[]; killedAt: number; downMs: number }>;
  stop(): Promise<void>;
}

/** @throws ConfigurationError with the words of the one that could not start */
export async function startOwnServers(options: OwnServersOptions): Promise<OwnServers> {
  const { store, keyPrefix, settingsFile, workerCount, concurrency, leaseMs, io, signal, say } = options;
  const prefix = keyPrefix === undefined ? [] : ['--key-prefix', keyPrefix];
  const common = ['--settings', settingsFile, '--lease', `${leaseMs}ms`, ...prefix];
  const running = [...common, '--concurrency', String(concurrency)];
  const serving = workerCount === 0 ? running : [...common, '--no-worker'];
  let [url, port] = ['', '0'];
  const front: Member = {
    name: 'front',
    words: () => ['serve', '--http', '--offer-sleep', '--port', port, ...serving],
    ready: /Listening on (\S+:(\d+)\/\S*)\n/,
  };
  const workers = Array.from(
    { length: workerCount },
    (_, index): Member => ({
      name: `worker ${index + 1}`,
      words: () => ['worker', ...running],
      ready: /Working on .*\n/,
    }),
  );
  const all = [front, ...workers];

  async function startOne(member: Member): Promise<void> {
    const begunAt = performance.now();
    member.process = await startProcess({
      words: member.words(),
      // Its URL may hold a password, and the arguments of a process are for everybody to read.
      settings: { MCP_AWAIT_STATE_PROVIDER: store },
      ready: member.ready,
      io,
      signal,
      onUnexpectedEnd: stderr => say(`The ${member.name} has ended by itself. It last wrote: ${stderr}`),
    });
    const { pid, match } = member.process;
    if (member === front) [, url = '', port = '0'] = match;
    const where = member === front ? ` at ${url}` : '';
    const tookMs = performance.now() - begunAt;
    say(`Started: ${member.name}, process ${pid}${where}, in ${formatDuration(tookMs)}`);
  }

  /** Waits for all of them also when one fails, so that none is left behind unknown. */
  async function start(members: readonly Member[]): Promise<void> {
    const starts = await Promise.allSettled(members.map(startOne));
    for (const each of starts) if (each.status === 'rejected') throw each.reason;
  }

  const stop = async () => void (await Promise.all(all.map(member => member.process?.stop())));

  await start(all).catch(async error => {
    await stop();
    throw error;
  });
  return {
    url,
    stop,
    async restart(scope) {
      const members = [front, ...(scope === 'front' ? [] : workers.slice(0, 1))];
      await Promise.all(members.map(member => member.process?.kill()));
      const killedAt = Date.now();
      const killed = members.map(({ name }) => name);
      say(`Killed: ${killed.join(', ')}`);
      const begunAt = performance.now();
      await start(members);
      return { killed, killedAt, downMs: performance.now() - begunAt };
    },
  };
}

/** Only what is said here shall say what it does. */
function withoutSettings(env: CommandIo['env']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('MCP_AWAIT_')));
}
