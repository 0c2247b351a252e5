import { execFile, spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { BIN, ROOT } from '../cli/command.js';
import { newHome } from '../proxy/proxy-host.js';
import { startHttpProxy } from '../proxy/proxy-http.js';
import { hostCache } from './host-cache.js';

const SDK = 'mcp==2.3.0';
const HOST = fileURLToPath(new URL('../fixtures/hosts/python-host.py', import.meta.url));
const folder = join(hostCache(), SDK.replaceAll('=', '-'));
const python = join(folder, 'bin/python');

/** A job of three minutes for a host that gives up after two: scaled. */
const SECONDS = 6;
const LIMIT_SECONDS = 4;
const HOST_TIMEOUT_MS = 2000;

const unavailable = existsSync(python)
  ? undefined
  : process.env.TEST_HOSTS === '1'
    ? whyNotInstalled()
    : `${SDK} is not in HOSTS_CACHE; \`npm run test:hosts\` installs it`;

const bundled = (home: string) => [process.execPath, BIN, 'serve', '--store', `sqlite:${home}/tasks.db`];

async function result(
  target: string,
  mode: string,
  home: string,
  [tool, args]: readonly [string, object] = ['sleep', { seconds: SECONDS }],
) {
  const words = [HOST, target, mode, String(LIMIT_SECONDS), tool, JSON.stringify(args)];
  // Of these variables, a server that it starts gets the home.
  const env = { ...process.env, HOME: home };
  const { stdout } = await promisify(execFile)(python, words, { cwd: ROOT, env });
  return JSON.parse(stdout);
}

describe.skipIf(unavailable !== undefined)(
  `a long job through the proxy, with the SDK of MCP for Python (${unavailable ?? SDK})`,
  () => {
    it.each(['legacy', 'auto'])('ends in its result on standard streams (%s)', async mode => {
      const home = newHome();
      const proxy = [process.execPath, BIN, 'proxy', '--host-timeout', `${HOST_TIMEOUT_MS}ms`, '--'];
      const told = await result(JSON.stringify([...proxy, ...bundled(home)]), mode, home);
      expect(told).toMatchObject({ result: { structuredContent: { slept_seconds: SECONDS } } });
      expect(told.rounds).toBeGreaterThan(0);
    });

    it.each(['legacy', 'auto'])('ends in its result over HTTP (%s)', async mode => {
      const home = newHome();
      const { url } = await startHttpProxy(
        { bundled: bundled(home) },
        { home, hostTimeoutMs: HOST_TIMEOUT_MS },
      );
      const told = await result(url, mode, home);
      expect(told).toMatchObject({ result: { structuredContent: { slept_seconds: SECONDS } } });
      expect(told.rounds).toBeGreaterThan(0);
    });

    it.each(['legacy', 'auto'])('is there for a later session, where the host gave up (%s)', async mode => {
      const home = newHome();
      const { url } = await startHttpProxy({ bundled: bundled(home) }, { home });
      expect(await result(url, mode, home)).toMatchObject({ error: expect.stringContaining('timed out') });
      const { result: list } = await result(url, mode, home, ['await_task', {}]);
      const [{ reference }] = list.structuredContent.tasks;
      const told = await result(url, mode, home, ['await_task', { reference }]);
      expect(told).toMatchObject({ result: { structuredContent: { slept_seconds: SECONDS } } });
    });
  },
);

/** Installs the SDK. @returns why it cannot be had */
function whyNotInstalled(): string | undefined {
  const isDone = (command: string, words: readonly string[]) => spawnSync(command, words).status === 0;
  if (!isDone('python3', ['-m', 'venv', folder])) return '`python3 -m venv` does not work';
  if (isDone(python, ['-m', 'pip', 'install', '--retries', '0', SDK])) return undefined;
  rmSync(folder, { recursive: true, force: true });
  return `pip cannot fetch ${SDK}`;
}
