import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { explainFailure } from '../explain-failure.js';
import { type RunningMain, startMain } from '../fixtures/cli/memory-io.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const BIN = join(ROOT, 'bin/mcp-await.js');
export const ODD_SERVER = join(ROOT, 'test/fixtures/cli/odd-server.js');

const MAX_TOLD_CHARACTERS = 2000;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Running {
  /** Resolves once stderr matches. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: 'SIGINT' | 'SIGTERM'): void;
  readonly finished: Promise<Finished>;
}

export interface Command extends Running {
  readonly process: ChildProcess;
}

/** A place of its own for the state of commands. */
export interface Workplace {
  readonly home: string;
  start(
    args: readonly string[],
    options?: { input?: string; cwd?: string | undefined; env?: Record<string, string>; ownGroup?: boolean },
  ): Command;
  /** Starts a command in this process. */
  startHere(args: readonly string[]): Running;
  /** Serves HTTP in this process. @returns the flags that name the server */
  serveHere(...args: readonly string[]): Promise<readonly ['--url', string]>;
  /** Runs a command in this process, which is in `cwd` meanwhile. */
  run(args: readonly string[], options?: { input?: string; cwd?: string }): Promise<Finished>;
  /** Ends every command that still runs. */
  stop(): Promise<void>;
  /** Ends every command that still runs, and removes what is left. */
  remove(): Promise<void>;
}

export async function newWorkplace(): Promise<Workplace> {
  const home = await mkdtemp(join(tmpdir(), 'mcp-await-cli-'));
  const running = new Set<Running>();
  const stop = async () => {
    for (const command of running) command.kill('SIGTERM');
    await Promise.all([...running].map(({ finished }) => finished));
  };
  const noted = <Kind extends Running>(command: Kind): Kind => {
    running.add(command);
    command.finished.then(() => running.delete(command));
    return command;
  };
  const start: Workplace['start'] = (args, { input, cwd = ROOT, env, ownGroup = false } = {}) => {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd,
      env: { ...process.env, MCP_AWAIT_HOME: home, ...env },
      detached: ownGroup,
    });
    const written = { stdout: '', stderr: '' };
    child.stdout.on('data', chunk => {
      written.stdout += chunk;
    });
    child.stderr.on('data', chunk => {
      written.stderr += chunk;
    });
    child.stdin.on('error', () => {});
    if (input !== undefined) child.stdin.end(input);
    const finished = once(child, 'close').then(([code]) => ({ code, ...written }));
    explainFailure(() => whatBecameOf(args, child.exitCode ?? child.signalCode, written));
    const told = { finished, written, wrote: () => once(child.stderr, 'data') };
    return noted({
      process: child,
      finished,
      kill: signal => child.kill(signal),
      says: pattern => untilSaid(pattern, told),
    });
  };
  const mainHere = (args: readonly string[], input = '') => {
    // Servers that the command starts have the environment of this process.
    process.env.MCP_AWAIT_HOME = home;
    const main = startMain(args, { input, cwd: process.cwd(), env: process.env });
    let code: number | undefined;
    main.finished.then(finished => {
      code = finished.code;
    });
    explainFailure(() => whatBecameOf(args, code, main.written));
    return main;
  };
  const startHere: Workplace['startHere'] = args => {
    const main = mainHere(args);
    return noted({ ...main, says: pattern => untilSaid(pattern, main) });
  };
  return {
    home,
    start,
    startHere,
    async serveHere(...args) {
      const server = startHere(['serve', '--http', '--port', '0', ...args]);
      return ['--url', (await server.says(/Listening on (\S+)\n/))[1] ?? ''];
    },
    async run(args, { input = '', cwd = ROOT } = {}) {
      // A proxy serves the standard input of its process.
      if (args[0] === 'proxy') return start(args, { input, cwd }).finished;
      const before = process.cwd();
      process.chdir(cwd);
      try {
        return await mainHere(args, input).finished;
      } finally {
        process.chdir(before);
      }
    },
    stop,
    async remove() {
      // What drains after the first signal ends at the second.
      for (const command of running) command.kill('SIGTERM');
      await stop();
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

type Told = Pick<RunningMain, 'written' | 'wrote'> & Pick<Running, 'finished'>;

async function untilSaid(pattern: RegExp, { written, wrote, finished }: Told): Promise<RegExpExecArray> {
  let hasEnded = false;
  for (;;) {
    const match = pattern.exec(written.stderr);
    if (match !== null) return match;
    if (hasEnded) throw new Error(`It never said ${pattern}: ${written.stderr}`);
    hasEnded = await Promise.race([wrote().then(() => false), finished.then(() => true)]);
  }
}

function whatBecameOf(
  args: readonly string[],
  end: number | string | null | undefined,
  written: RunningMain['written'],
): string {
  const [stdout, stderr] = [written.stdout, written.stderr].map(text =>
    JSON.stringify(text.slice(-MAX_TOLD_CHARACTERS)),
  );
  return `mcp-await ${args.join(' ')}\n  exit: ${end ?? 'none'}, stdout: ${stdout}\n  stderr: ${stderr}`;
}

/** `run initiate_background_task` of one operation. */
export function initiate(operation: string, parameters: object = {}): string[] {
  const args = JSON.stringify({ operation_type: operation, parameters });
  return ['run', 'initiate_background_task', '--args', args];
}
