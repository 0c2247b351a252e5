import { type ChildProcess, spawn } from 'node:child_process';
import { ConfigurationError } from '../../errors.js';
import { untilAborted } from '../../time/signals.js';
import { sleep } from '../../time/sleep.js';
import type { CommandIo } from '../io.js';
import { BIN } from '../server-choice.js';

export interface ChildOptions {
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

/** Only what is said here shall say what it does. */
function withoutSettings(env: CommandIo['env']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('MCP_AWAIT_')));
}

/** An `mcp-await` process of ours. */
export class OwnProcess {
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
      const patience = new AbortController();
      await Promise.race([this.#ended, sleep(patienceMs, patience.signal).catch(() => {})]);
      patience.abort();
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
