import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkFolder, checkNode } from '../../src/cli/doctor/doctor.js';
import type { Finding } from '../../src/cli/doctor/finding.js';
import { runMain } from '../fixtures/cli/memory-io.js';
import { ROOT } from './command.js';

const JOBS = join(ROOT, 'test/fixtures/cli/job-server.mjs');

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-await-doctor-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

function run(words: readonly string[], env: Record<string, string> = {}) {
  return runMain(['doctor', ...words], {
    env: {
      ...(process.env as Record<string, string>),
      HOME: home,
      MCP_AWAIT_HOME: join(home, 'state'),
      ...env,
    },
    cwd: home,
  });
}

async function findings(words: readonly string[] = [], env?: Record<string, string>) {
  const { code, stdout } = await run([...words, '--json'], env);
  const found: Finding[] = JSON.parse(stdout);
  return { code, of: (check: string) => found.filter(each => each.check === check), found };
}

const servers = (mcpServers: object) => writeFileSync(join(home, 'mcp.json'), JSON.stringify({ mcpServers }));

describe('mcp-await doctor', () => {
  test('finds nothing wrong where nothing has been used yet, and makes nothing', async () => {
    const { code, found } = await findings();
    expect(code).toBe(0);
    expect(found.map(({ check, status }) => [check, status])).toEqual([
      ['node', 'ok'],
      ['state folder', 'ok'],
      ['store', 'ok'],
      ['journal', 'ok'],
      ['servers', 'ok'],
    ]);
    expect(() => rmSync(join(home, 'state'))).toThrow(/ENOENT/);
  });

  test('tells of each server in a line: how long it took, tools and pairs', { timeout: 60_000 }, async () => {
    servers({
      jobs: { command: process.execPath, args: [JOBS, '20'] },
      off: { command: 'x', disabled: true },
      missing: { command: 'no-such-command-at-all' },
    });
    const { code, stdout } = await run([]);
    expect(stdout).toMatch(
      /^✔ server jobs: starts in .+, 4 tools, 0 start\/status pairs and 1 possible ones, 0 tasks of MCP$/m,
    );
    expect(stdout).toMatch(/^✔ server off: is switched off$/m);
    expect(stdout).toMatch(
      /^✖ server missing: .*no-such-command-at-all.* → mcp-await tools --server missing shows more$/m,
    );
    expect(code).toBe(1);
    const one = await findings(['--server', 'jobs']);
    expect([one.code, one.of('server jobs').length, one.of('server missing').length]).toEqual([0, 1, 0]);
    expect((await findings(['--server', 'jbos'])).of('servers')).toMatchObject([{ status: 'failed' }]);
  });

  test('waits for no server longer than it is told', { timeout: 60_000 }, async () => {
    servers({
      silent: { command: process.execPath, args: ['-e', 'setInterval(() => console.error("."), 50)'] },
    });
    const startedAt = performance.now();
    const { code, of } = await findings(['--server-timeout', '700ms']);
    expect(of('server silent')).toMatchObject([
      { status: 'failed', says: 'has not started and listed its tools within 700 ms.' },
    ]);
    expect(code).toBe(1);
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });

  test('tells of no store where the state folder is a file', async () => {
    writeFileSync(join(home, 'state'), '');
    const { code, of } = await findings();
    expect([of('store'), of('journal')]).toMatchObject([[{ status: 'failed' }], [{ status: 'failed' }]]);
    expect(code).toBe(1);
  });

  test('tells of a store and a journal that cannot be opened, without its secrets', async () => {
    mkdirSync(join(home, 'state'), { mode: 0o700 });
    writeFileSync(
      join(home, 'state', 'tasks.db'),
      'no database, but long enough to be taken for one'.repeat(100),
    );
    writeFileSync(
      join(home, 'state', 'journal.db'),
      'no database, but long enough to be taken for one'.repeat(100),
    );
    const { code, of } = await findings();
    expect(of('store')).toMatchObject([
      { status: 'failed', says: expect.stringMatching(/not an SQLite database/) },
    ]);
    expect(of('journal')).toMatchObject([
      { status: 'failed', says: expect.stringMatching(/not an SQLite database/) },
    ]);
    expect(code).toBe(1);
    const env = { MCP_AWAIT_STATE_PROVIDER: 'redis://user:hunter2@127.0.0.1:1/0' };
    const down = await findings([], env);
    expect(down.of('store')).toMatchObject([{ status: 'failed' }]);
    expect(JSON.stringify(down.found)).not.toContain('hunter2');
  });

  test('tells of hosts whose servers meet their limits alone', async () => {
    mkdirSync(join(home, '.cursor'));
    const proxied = { command: 'npx', args: ['-y', 'mcp-await', 'proxy', '--', 'x'] };
    const write = (mcpServers: object) =>
      writeFileSync(join(home, '.cursor', 'mcp.json'), JSON.stringify({ mcpServers }));
    write({ a: { command: 'x' }, b: proxied });
    // The folder of the project is that of the user here.
    const [first] = (await findings()).of('Cursor');
    expect(first).toMatchObject({
      status: 'warning',
      says: expect.stringMatching(/mcp\.json: a without the proxy; it ended a call after 5 minutes/),
      remedy: 'mcp-await install cursor',
    });
    write({ b: proxied });
    expect((await findings()).of('Cursor')[0]).toMatchObject({ status: 'ok' });
    writeFileSync(join(home, '.cursor', 'mcp.json'), '{"mcpServers": {');
    expect((await findings()).of('Cursor')[0]).toMatchObject({ status: 'failed' });
  });
});

test.each([
  ['20.18.0', 'failed'],
  ['20.18.1', 'ok'],
  ['18.20.8', 'failed'],
  ['22.0.0', 'ok'],
  ['26.1.0', 'ok'],
])('Node %s is %s', (version, status) => {
  expect(checkNode(version).status).toBe(status);
});

test('a state folder is its owner’s, for nobody else, and a folder', () => {
  const user = process.getuid?.();
  chmodSync(home, 0o700);
  expect(checkFolder(home, user)).toMatchObject({ status: 'ok', says: expect.stringMatching(/MiB free$/) });
  expect(checkFolder(join(home, 'a', 'b'), user)).toMatchObject({
    status: 'ok',
    says: expect.stringContaining('made'),
  });
  chmodSync(home, 0o755);
  expect(checkFolder(home, user)).toMatchObject({ status: 'warning', remedy: `chmod 700 ${home}` });
  expect(checkFolder(home, (user ?? 0) + 1)).toMatchObject({
    status: 'failed',
    says: expect.stringContaining('another user'),
  });
  writeFileSync(join(home, 'file'), '');
  expect(checkFolder(join(home, 'file'), user)).toMatchObject({
    status: 'failed',
    says: expect.stringContaining('is a file'),
  });
});
