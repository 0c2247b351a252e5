import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { explainFailure } from '../explain-failure.js';
import { runMain } from '../fixtures/cli/memory-io.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const BIN = join(ROOT, 'bin/mcp-await.js');
export const ODD_SERVER = join(ROOT, 'test/fixtures/cli/odd-server.js');

const MAX_TOLD_CHARACTERS = 2000;

/** What answers others, and whose end is that of its process. */
const SERVING = ['serve', 'proxy', 'worker', 'load'];

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Command {
  readonly process: ChildProcess;
  /** Resolves once stderr matches. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  readonly finished: Promise<Finished>;
}

/** A place of its own for the state of commands. */
export interface Workplace {
  readonly home: string;
  start(
    args: readonly string[],
    options?: { input?: string; cwd?: string | undefined; env?: Record<string, string>; ownGroup?: boolean },
  ): Command;
  /** Runs a command in this process; one that serves, or that runs in `cwd`, in a process of its own. */
  run(args: readonly string[], options?: { input?: string; cwd?: string }): Promise<Finished>;
  /** Ends every command that still runs. */
  stop(): Promise<void>;
  /** Ends every command that still runs, and removes what is left. */
  remove(): Promise<void>;
}

export async function newWorkplace(): Promise<Workplace> {
  const home = await mkdtemp(join(tmpdir(), 'mcp-await-cli-'));
  const running = new Map<ChildProcess, Promise<Finished>>();
  const stop = async () => {
    for (const child of running.keys()) child.kill('SIGTERM');
    await Promise.all(running.values());
  };
  const start: Workplace['start'] = (args, { input, cwd = ROOT, env, ownGroup = false } = {}) => {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd,
      env: { ...process.env, MCP_AWAIT_HOME: home, ...env },
      detached: ownGroup,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', chunk => {
      stdout += chunk;
    });
    child.stderr.on('data', chunk => {
      stderr += chunk;
    });
    child.stdin.on('error', () => {});
    if (input !== undefined) child.stdin.end(input);
    const finished = once(child, 'close').then(([code]) => ({ code, stdout, stderr }));
    running.set(child, finished);
    finished.then(() => running.delete(child));
    explainFailure(() => endOf(args, { code: child.exitCode ?? child.signalCode, stdout, stderr }));
    return {
      process: child,
      finished,
      async says(pattern) {
        for (;;) {
          const match = pattern.exec(stderr);
          if (match !== null) return match;
          const next = await Promise.race([once(child.stderr, 'data'), finished]);
          if ('code' in next && !pattern.test(stderr)) throw new Error(`It never said ${pattern}: ${stderr}`);
        }
      },
    };
  };
  return {
    home,
    start,
    run: (args, { input = '', cwd } = {}) =>
      cwd === undefined && !SERVING.includes(args[0] ?? '')
        ? runHere(home, args, input)
        : start(args, { input, cwd }).finished,
    stop,
    async remove() {
      await stop();
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function runHere(home: string, args: readonly string[], input: string): Promise<Finished> {
  // Servers that the command starts have the environment of this process.
  process.env.MCP_AWAIT_HOME = home;
  const finished = await runMain(args, { input, cwd: ROOT, env: process.env });
  explainFailure(() => endOf(args, finished));
  return finished;
}

/** How a command ended, in one paragraph. */
function endOf(
  args: readonly string[],
  { code, stdout, stderr }: { readonly [Key in keyof Finished]: unknown },
): string {
  const excerpt = (text: unknown) => JSON.stringify(String(text).slice(-MAX_TOLD_CHARACTERS));
  return `mcp-await ${args.join(' ')}\n  exit: ${code ?? 'none'}, stdout: ${excerpt(stdout)}\n  stderr: ${excerpt(stderr)}`;
}

/** `run initiate_background_task` of one operation. */
export function initiate(operation: string, parameters: object = {}): string[] {
  const args = JSON.stringify({ operation_type: operation, parameters });
  return ['run', 'initiate_background_task', '--args', args];
}
