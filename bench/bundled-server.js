import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const BIN = fileURLToPath(new URL('../bin/mcp-await.js', import.meta.url));
export const PLAIN_SERVER = fileURLToPath(new URL('plain-server.js', import.meta.url));

/** Gives `work` a folder of its own, which is removed afterwards. */
export async function withFolder(work) {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The bundled server as a target on standard streams. */
export function stdioTarget(folder) {
  return { command: process.execPath, args: [BIN, 'serve'], env: { MCP_AWAIT_HOME: folder } };
}

/** Runs the bundled server over HTTP in a process of its own while `work` uses its URL. */
export function withHttpServer(folder, work, flags = []) {
  const args = [BIN, 'serve', '--http', '--offer-sleep', '--port', '0', ...flags];
  return withServer(args, { MCP_AWAIT_HOME: folder }, work);
}

/** Runs the plain server of the SDK likewise. */
export function withPlainHttpServer(work) {
  return withServer([PLAIN_SERVER, '--http'], {}, work);
}

async function withServer(args, env, work) {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    for await (const line of createInterface(child.stderr)) {
      const url = /Listening on (\S+)/.exec(line)?.[1];
      if (url !== undefined) return await work(url);
    }
    throw new Error('The server ended before it listened.');
  } finally {
    child.kill('SIGTERM');
  }
}
