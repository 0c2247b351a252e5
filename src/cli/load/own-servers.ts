import { type ChildProcess, spawn } from 'node:child_process';
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

/** An `mcp-await` process of ours. */
class OwnProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #stderr = '';
  #isEnding = false;

  private constructor({ words, settings, io, onUnexpectedEnd }: ChildOptions) {
    this.#child = spawn(process.execPath, [BIN, ...words], {
      cwd: io.cwd(),
      env: { ...withoutSettings(io.env), ...settings },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr?.on('data', chunk => {
      this.#stderr = (this.#stderr + String(chunk)).slice(-STDERR_TAIL_CHARACTERS);
    });
    this.#ended = new Promise(resolve => {
      this.#child.once('error', () => resolve());
      this.#child.once('close', () => {
        if (!this.#isEnding) onUnexpectedEnd(this.#stderr.trim());
        resolve();
      });
    });
  }

  /**
   * Starts a process and waits until it serves.
   * @returns with what `ready` has matched
   * @throws ConfigurationError with its last words when it ends instead; the signal's reason when it aborts
   */
  static async start(options: ChildOptions): Promise<{ process: OwnProcess; match: RegExpExecArray }> {
    let serves = false;
    const started = new OwnProcess({
      ...options,
      onUnexpectedEnd: stderr => serves && options.onUnexpectedEnd(stderr),
    });
    try {
      const match = await untilAborted(started.#untilItSays(options.ready), options.signal);
      serves = true;
      return { process: started, match };
    } catch (error) {
      await started.kill();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** As a crash would: it can do nothing any more. */
  async kill(): Promise<void> {
    this.#isEnding = true;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Lets it end in good order, for some seconds. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    for (const [signal, patienceMs] of SIGNALS) {
      this.#child.kill(signal);
      await isWithin(this.#ended, patienceMs);
    }
    await this.kill();
  }

  #untilItSays(ready: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const match = ready.exec(this.#stderr);
        if (match !== null) resolve(match);
      };
      this.#child.stderr?.on('data', look);
      void this.#ended.then(() => {
        const words = this.#child.spawnargs.slice(2).join(' ');
        reject(new ConfigurationError(`\`mcp-await ${words}\` could not start: ${this.#stderr.trim()}`));
      });
    });
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
  readonly words: (port: string) => readonly string[];
  readonly ready: RegExp;
  process?: OwnProcess;
}

/** A front and, where wanted, workers: processes of ours on one store, which end with us. */
export class OwnServers {
  readonly #options: OwnServersOptions;
  readonly #front: Member;
  readonly #workers: readonly Member[];
  #url = '';
  #port = '0';

  private constructor(options: OwnServersOptions) {
    const { keyPrefix, settingsFile, workerCount, concurrency, leaseMs } = options;
    const prefix = keyPrefix === undefined ? [] : ['--key-prefix', keyPrefix];
    const common = ['--settings', settingsFile, '--lease', `${leaseMs}ms`, ...prefix];
    const running = [...common, '--concurrency', String(concurrency)];
    const serving = workerCount === 0 ? running : [...common, '--no-worker'];
    this.#options = options;
    this.#front = {
      name: 'front',
      words: port => ['serve', '--http', '--offer-sleep', '--port', port, ...serving],
      ready: /Listening on (\S+:(\d+)\/\S*)\n/,
    };
    this.#workers = Array.from({ length: workerCount }, (_, index) => ({
      name: `worker ${index + 1}`,
      words: () => ['worker', ...running],
      ready: /Working on .*\n/,
    }));
  }

  /** @throws ConfigurationError with the words of the one that could not start */
  static async start(options: OwnServersOptions): Promise<OwnServers> {
    const servers = new OwnServers(options);
    try {
      await servers.#start([servers.#front, ...servers.#workers]);
      return servers;
    } catch (error) {
      await servers.stop();
      throw error;
    }
  }

  /** The MCP endpoint of the front. */
  get url(): string {
    return this.#url;
  }

  /** Kills the front and, where there are any, one worker (but with `front` the front alone), and starts them again. */
  async restart(scope: RestartScope): Promise<{ killed: string[]; killedAt: number; downMs: number }> {
    const members = [this.#front, ...(scope === 'front' ? [] : this.#workers.slice(0, 1))];
    await Promise.all(members.map(member => member.process?.kill()));
    const killedAt = Date.now();
    const killed = members.map(({ name }) => name);
    this.#options.say(`Killed: ${killed.join(', ')}`);
    const begunAt = performance.now();
    await this.#start(members);
    return { killed, killedAt, downMs: performance.now() - begunAt };
  }

  async stop(): Promise<void> {
    await Promise.all([this.#front, ...this.#workers].map(member => member.process?.stop()));
  }

  /** Waits for all of them also when one fails, so that none is left behind unknown. */
  async #start(members: readonly Member[]): Promise<void> {
    const starts = await Promise.allSettled(members.map(member => this.#startOne(member)));
    for (const start of starts) {
      if (start.status === 'rejected') throw start.reason;
    }
  }

  async #startOne(member: Member): Promise<void> {
    const { store, io, signal, say } = this.#options;
    const begunAt = performance.now();
    const { process, match } = await OwnProcess.start({
      words: member.words(this.#port),
      // Its URL may hold a password, and the arguments of a process are for everybody to read.
      settings: { MCP_AWAIT_STATE_PROVIDER: store },
      ready: member.ready,
      io,
      signal,
      onUnexpectedEnd: stderr => say(`The ${member.name} has ended by itself. It last wrote: ${stderr}`),
    });
    member.process = process;
    if (member === this.#front) [, this.#url = '', this.#port = '0'] = match;
    const where = member === this.#front ? ` at ${this.#url}` : '';
    const tookMs = performance.now() - begunAt;
    say(`Started: ${member.name}, process ${process.pid}${where}, in ${formatDuration(tookMs)}`);
  }
}

/** Only what is said here shall say what it does. */
function withoutSettings(env: CommandIo['env']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('MCP_AWAIT_')));
}
