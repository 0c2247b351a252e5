import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asStarted, commandName } from '../../src/cli/command-name.js';
import { jsonServer, toolNamed } from '../fixtures/cli/json-server.js';
import { runMain } from '../fixtures/cli/memory-io.js';

const io = (path: string, userAgent?: string) => ({
  argv: ['node', path],
  env: userAgent === undefined ? {} : { npm_config_user_agent: userAgent },
});
const npm = 'npm/11.19.1 node/v20.20.2 linux x64 workspaces/false';
const pnpm = 'pnpm/10.34.9 npm/? node/v20.20.2 linux x64';
const yarn = 'yarn/4.18.1 npm/? node/v20.20.2 linux x64';
const bun = 'bun/1.4.5 npm/? node/v26.3.0 linux x64';
const windows = 'C:\\work\\node_modules\\mcp-await\\bin\\mcp-await.js';

// As each has started a package that prints its path and environment.
test.each([
  ['npx and npm exec', 'npx mcp-await', '/work/node_modules/.bin/mcp-await', npm],
  ['npx of what is not installed', 'npx mcp-await', '/home/.npm/_npx/1f/node_modules/.bin/mcp-await', npm],
  ['npx on Windows', 'npx mcp-await', windows, npm],
  ['a path with node_modules/.bin', 'npx mcp-await', '/work/node_modules/.bin/mcp-await'],
  ['another manager', 'npx mcp-await', '/work/node_modules/.bin/mcp-await', 'vlt/1.0.0'],
  [
    'pnpm exec',
    'pnpm exec mcp-await',
    '/work/node_modules/.pnpm/mcp-await@1/node_modules/mcp-await/bin/mcp-await.js',
    pnpm,
  ],
  [
    'pnpm dlx',
    'pnpm dlx mcp-await',
    '/home/.cache/pnpm/dlx/e8/1a-47/node_modules/.pnpm/mcp-await@1/node_modules/mcp-await/bin/mcp-await.js',
    pnpm,
  ],
  ['yarn', 'yarn mcp-await', '/work/node_modules/mcp-await/bin/mcp-await.js', yarn],
  [
    'yarn with Plug’n’Play',
    'yarn mcp-await',
    '/c/mcp-await.zip/node_modules/mcp-await/bin/mcp-await.js',
    yarn,
  ],
  ['yarn dlx', 'yarn dlx mcp-await', '/tmp/xfs-9a/dlx-18629/node_modules/mcp-await/bin/mcp-await.js', yarn],
  ['bun run', 'bunx mcp-await', '/work/node_modules/.bin/mcp-await', bun],
  ['bunx', 'bunx mcp-await', '/tmp/bunx-0-mcp-await@latest/node_modules/.bin/mcp-await', bun],
  ['a shell that finds it', 'mcp-await', '/usr/local/bin/mcp-await'],
  ['such a shell below npm', 'mcp-await', '/usr/local/bin/mcp-await', npm],
  ['npm install -g on Windows', 'mcp-await', 'C:\\npm\\node_modules\\mcp-await\\bin\\mcp-await.js'],
  ['a clone', 'mcp-await', '/work/mcp-await/bin/mcp-await.js', npm],
])('%s: %s', (_case, name, path, userAgent?: string) => {
  expect(commandName(io(path, userAgent))).toBe(name);
});

test.each([
  ['`mcp-await list --all` shows its jobs', '`npx mcp-await list --all` shows its jobs'],
  ['  Wait for it:   mcp-await wait 0123', '  Wait for it:   npx mcp-await wait 0123'],
  ['has no proxy → mcp-await install cursor', 'has no proxy → npx mcp-await install cursor'],
  ['Usage: mcp-await [options]', 'Usage: npx mcp-await [options]'],
  ['(see `mcp-await --help`)', '(see `npx mcp-await --help`)'],
  ['answers: `npx mcp-await wait 0123`', 'answers: `npx mcp-await wait 0123`'],
  ['another version of mcp-await wrote it', 'another version of mcp-await wrote it'],
  ['(default: npx -y mcp-await)', '(default: npx -y mcp-await)'],
  ['starting npx mcp-await serve', 'starting npx mcp-await serve'],
])('%s', (text, shown) => {
  expect(asStarted(text, io('/work/node_modules/.bin/mcp-await', npm))).toBe(shown);
});

test('a text that names npx names the command as it was started', () => {
  expect(asStarted('`npx mcp-await wait 0123`', io('/usr/local/bin/mcp-await'))).toBe(
    '`mcp-await wait 0123`',
  );
});

test.each([
  [['--help'], /^Usage: npx mcp-await \[options\]/],
  [['run', '--help'], /^Usage: npx mcp-await run .*\n {2}npx mcp-await run render_report /s],
  [['lst'], /\(see `npx mcp-await --help`\)/],
  [['wait', '0123'], /`npx mcp-await list --all`/],
])('%s of npx tells how npx goes on', async (words, message) => {
  const { stdout, stderr } = await runMain(words, { path: '/work/node_modules/.bin/mcp-await' });
  expect(stdout + stderr).toMatch(message);
});

test('what doctor and tools tell to do is told to npx', async () => {
  const home = mkdtempSync(join(tmpdir(), 'command-name-'));
  try {
    mkdirSync(join(home, '.cursor'));
    writeFileSync(join(home, '.cursor/mcp.json'), '{"mcpServers":{"reports":{"command":"node"}}}');
    const started = { path: '/work/node_modules/.bin/mcp-await', env: { HOME: home }, cwd: home };
    expect((await runMain(['doctor'], started)).stdout).toContain('→ npx mcp-await install cursor');
    const url = await jsonServer(({ method }) =>
      method === 'tools/list' ? { result: { tools: [toolNamed('echo')] } } : undefined,
    );
    const { stdout } = await runMain(['tools', 'echo', '--url', url], started);
    expect(stdout).toContain(`\n  npx mcp-await run echo --url ${url}\n`);
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
});
