import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { atMost } from '../../src/time/at-most.js';
import { sleep } from '../../src/time/sleep.js';
import { BIN } from '../cli/command.js';
import { leash } from '../services/leash.js';
import { killed } from '../services/service-process.js';
import type { ProcessEnd, VictimKind } from './history.js';

export interface OwnProcessOptions {
  readonly kind: VictimKind;
  readonly name: string;
  readonly words: readonly string[];
  readonly env: Record<string, string>;
  /** What it writes to standard error once it serves. */
  readonly ready: RegExp;
  readonly onEnd: (end: ProcessEnd) => void;
}

const START_LIMIT_MS = 120_000;
const READY_TIMEOUT_MS = 30_000;
const PAUSE_MS = 200;
const KEPT_CHARACTERS = 4000;

/** A front or a worker that is started again whenever it has ended. */
export class OwnProcess {
  readonly kind: VictimKind;
  readonly name: string;
  readonly #options: OwnProcessOptions;
  #child: ChildProcess | undefined;
  #isKilled = false;
  #isStopped = false;
  /** Starts that came to nothing, as while the store is away. */
  vainStarts = 0;

  constructor(options: OwnProcessOptions) {
    this.#options = options;
    this.kind = options.kind;
    this.name = options.name;
  }

  /** Tries until it serves. */
  async start(): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS;
    for (;;) {
      const { child, serves, words } = this.#spawn();
      this.#child = child;
      try {
        await atMost(serves, READY_TIMEOUT_MS);
        void this.#watch(child, words);
        return;
      } catch (error) {
        await killed(child, 'SIGKILL');
        if (this.#isStopped) return;
        this.vainStarts += 1;
        if (performance.now() > deadline)
          throw new Error(`The ${this.name} does not start. It said: ${words()}`, { cause: error });
      }
      await sleep(PAUSE_MS);
    }
  }

  async kill(): Promise<void> {
    this.#isKilled = true;
    await killed(this.#child, 'SIGKILL');
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.kill();
  }

  /** One that ends by itself is told of, and started again. */
  async #watch(child: ChildProcess, words: () => string): Promise<void> {
    this.#isKilled = false;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const { kind, name } = this;
    this.#options.onEnd({
      kind,
      name,
      pid: child.pid,
      at: Date.now(),
      isKilled: this.#isKilled,
      words: words(),
    });
    if (!this.#isKilled) await this.start();
  }

  #spawn() {
    const { words, env, ready } = this.#options;
    const settingsFree = Object.entries(process.env).filter(([name]) => !name.startsWith('MCP_AWAIT_'));
    const child = spawn(process.execPath, [BIN, ...words], {
      env: { ...Object.fromEntries(settingsFree), ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    leash(child);
    let said = '';
    const serves = new Promise<void>((resolve, reject) => {
      child.stderr.on('data', chunk => {
        said = (said + String(chunk)).slice(-KEPT_CHARACTERS);
        if (ready.test(said)) resolve();
      });
      child.once('close', () => reject(new Error(`\`${words.join(' ')}\` ended: ${said}`)));
    });
    serves.catch(() => {});
    return { child, serves, words: () => said };
  }
}
