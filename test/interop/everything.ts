import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import type { ConnectTarget } from '../../src/client/connect/connect.js';
import { freePort } from '../fixtures/free-port.js';

const ENTRY = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'));

const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

/** The reference server of the MCP project, over standard streams. */
export const everythingOnStdio = async (): Promise<ConnectTarget> => ({
  command: process.execPath,
  args: [ENTRY, 'stdio'],
});

/** The same over HTTP, on a free port; it ends after the test. */
export async function everythingOnHttp(): Promise<ConnectTarget> {
  const port = await freePort();
  const child = spawn(process.execPath, [ENTRY, 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.push(child);
  let heard = '';
  for await (const chunk of child.stderr ?? []) {
    heard += chunk;
    if (heard.includes('listening on port')) return `http://127.0.0.1:${port}/mcp`;
  }
  throw new Error(`The server has ended: ${heard}`);
}
