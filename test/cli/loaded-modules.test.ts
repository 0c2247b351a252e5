import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import * as module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { JournalFile } from '../../src/client/journal/journal-file.js';
import { BIN } from './command.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'loaded-modules-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

interface Loaded {
  readonly own: readonly string[];
  readonly packages: readonly string[];
}

/** What each process of a command line has loaded, as V8's coverage tells. */
function loadedBy(words: readonly string[], { input = '', processes = 1 } = {}): Promise<Loaded[]> {
  const coverage = join(home, 'coverage');
  const env = { ...process.env, MCP_AWAIT_HOME: home, NODE_V8_COVERAGE: coverage };
  try {
    execFileSync(process.execPath, [BIN, ...words], {
      env,
      input,
      cwd: home,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  } catch {
    // A job that is none ends with its own exit code.
  }
  // A server behind a relay ends after it.
  return vi.waitFor(
    () => {
      const files = readdirSync(coverage);
      expect(files).toHaveLength(processes);
      return files.map(file => loadedIn(JSON.parse(readFileSync(join(coverage, file), 'utf8'))));
    },
    { timeout: 10_000 },
  );
}

function loadedIn({ result }: { readonly result: readonly { readonly url: string }[] }): Loaded {
  const files = result.map(({ url }) => url).filter(url => url.startsWith('file:'));
  const inPackages = files.filter(url => url.includes('/node_modules/'));
  const names = inPackages.map(url => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? '');
  return {
    own: files.filter(url => url.includes('/dist/') && !inPackages.includes(url)),
    packages: [...new Set(names)].sort(),
  };
}

test.each<[string, string[], number]>([
  ['--help', [], 2],
  ['--version', [], 2],
  ['list', [], 4],
  ['status 0123', [], 4],
  ['wait 0123', [], 6],
  ['config', ['jsonc-parser', 'leven', 'zod'], 40],
])('%s loads only what it uses', async (line, packages, most) => {
  const [loaded] = await loadedBy(line.split(' '));
  expect(loaded?.packages).toEqual(packages);
  expect(loaded?.own.length).toBeLessThanOrEqual(most);
  expect(loaded?.own.filter(url => /\/client-/.test(url))).toEqual([]);
});

/** Modules of Node that a command has loaded. */
function builtinsOf(words: readonly string[], stdout: 'pipe' | 'ignore' = 'pipe'): readonly string[] {
  const tell = `data:text/javascript,process.on('exit',()=>process.getBuiltinModule('fs').writeSync(2,'\\n'+JSON.stringify(process.moduleLoadList)))`;
  const { stderr } = spawnSync(process.execPath, ['--import', tell, BIN, ...words], {
    env: { ...process.env, MCP_AWAIT_HOME: home },
    encoding: 'utf8',
    stdio: ['pipe', stdout, 'pipe'],
  });
  return JSON.parse(stderr.slice(stderr.lastIndexOf('\n')));
}

test.each(['list', 'status 0123'])('%s of a journal loads no module of Node that takes long', line => {
  new JournalFile(join(home, 'journal.db')).close();
  const loaded = builtinsOf(line.split(' '));
  for (const name of ['crypto', 'stream/consumers', 'http'])
    expect(loaded).not.toContain(`NativeModule ${name}`);
});

test.each(['--help', '--version', 'list', 'status 0123'])('%s prints without the streams of Node', line => {
  const loaded = builtinsOf(line.split(' '));
  // Only `module` can keep compiled code.
  const keeps = 'enableCompileCache' in module;
  for (const name of ['stream', 'net', 'tty', ...(keeps ? [] : ['module'])])
    expect(loaded).not.toContain(`NativeModule ${name}`);
});

test('--help prints to the null device without the streams of Node', () => {
  expect(builtinsOf(['--help'], 'ignore')).not.toContain('NativeModule stream');
});

test('commands import no module of Node, which would read everything that it exports', () => {
  const folder = join(BIN, '../../dist/command');
  const files = readdirSync(folder).filter(name => /^(main|jobs)/.test(name));
  expect(files.length).toBeGreaterThan(1);
  for (const name of files) expect(readFileSync(join(folder, name), 'utf8')).not.toMatch(/from\s?"node:/);
});

test('run loads its client from a few files, and of the packages only what speaks HTTP', async () => {
  const [loaded] = await loadedBy(['run', 'nothing', '--url', 'http://127.0.0.1:1/mcp']);
  expect(loaded?.packages).toEqual(['undici']);
  expect(loaded?.own.length).toBeLessThanOrEqual(16);
});

const INITIALIZE = `${JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
})}\n`;

test('serve answers before it has loaded a client, HTTP, or what only one of its operations needs', async () => {
  const loaded = await loadedBy(['serve'], { input: INITIALIZE, processes: 2 });
  const [relay, server] = loaded.sort((a, b) => a.own.length - b.own.length);
  expect(relay?.packages).toEqual([]);
  expect(relay?.own.length).toBeLessThanOrEqual(13);
  for (const name of [
    'undici',
    'cockatiel',
    'bullmq',
    'pg',
    'ioredis',
    'prom-client',
    '@hono/node-server',
    'cross-spawn',
  ])
    expect(server?.packages).not.toContain(name);
  expect(
    server?.own.filter(url => /\/dist\/(client\/await-client|server\/http\/http-server|proxy\/)/.test(url)),
  ).toEqual([]);
});
