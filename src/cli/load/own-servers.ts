import { formatDuration } from '../../time/duration.js';
import type { CommandIo } from '../io.js';
import { OwnProcess } from './child-process.js';
import type { RestartScope } from './load-flags.js';

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
  process: OwnProcess | undefined;
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
      process: undefined,
    };
    this.#workers = Array.from({ length: workerCount }, (_, index) => ({
      name: `worker ${index + 1}`,
      words: () => ['worker', ...running],
      ready: /Working on .*\n/,
      process: undefined,
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
