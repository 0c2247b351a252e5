import { existsSync, readFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { onTestFinished, vi } from 'vitest';
import { explainFailure } from '../explain-failure.js';
import { type Caller, callerOf } from '../fixtures/server/connected-tools.js';
import { BIN, type Command, ROOT, type Workplace } from './command.js';

export interface ServedCaller extends Caller {
  /** The process that the client started. */
  readonly relayPid: number;
  /** Everything on standard error so far. */
  stderr(): string;
}

/** An SDK client connected to `mcp-await serve` on standard streams, in a process of its own. */
export async function connectServe(
  place: Workplace,
  args: readonly string[] = [],
  cwd = ROOT,
): Promise<ServedCaller> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [BIN, 'serve', ...args],
    env: { MCP_AWAIT_HOME: place.home },
    stderr: 'pipe',
    cwd,
  });
  let stderr = '';
  transport.stderr?.on('data', chunk => {
    stderr += chunk;
  });
  explainFailure(() => `mcp-await serve ${args.join(' ')}\n  stderr: ${JSON.stringify(stderr)}`);
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  onTestFinished(() => client.close());
  await client.listTools();
  return { ...callerOf(client), relayPid: transport.pid ?? 0, stderr: () => stderr };
}

/** The reference of the first task that a command prints from now on. */
export function firstTaskRef({ process: { stdout } }: Command): Promise<string> {
  let printed = '';
  return new Promise(resolve => {
    stdout?.on('data', chunk => {
      printed += chunk;
      const taskRef = /task_\w+_[0-9a-f]{32}/.exec(printed)?.[0];
      if (taskRef !== undefined) resolve(taskRef);
    });
  });
}

/** Whether the process runs; one that has ended and was not collected by its parent does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'utf8'));
}

export function untilEnded(pid: number, timeout = 20_000): Promise<void> {
  return vi.waitFor(
    () => {
      if (isRunning(pid)) throw new Error(`Process ${pid} still runs`);
    },
    { timeout, interval: 20 },
  );
}
