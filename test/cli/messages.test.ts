import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jsonServer, toolNamed } from '../fixtures/cli/json-server.js';
import { runMain } from '../fixtures/cli/memory-io.js';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'messages-'));
  mkdirSync(join(cwd, 'folder'));
  writeFileSync(join(cwd, 'empty.json'), '');
  writeFileSync(join(cwd, 'broken.json'), '{broken');
  writeFileSync(join(cwd, 'mcp.json'), '{"mcpServers":{"reports":{"command":"node"}}}');
});
afterAll(() => rmSync(cwd, { recursive: true, force: true, maxRetries: 5 }));

test.each<[string, string[], RegExp]>([
  ['a missing argument', ['run'], /missing required argument 'tool'\n\(see `mcp-await run --help`\)/],
  ['an unknown command', ['runn'], /Did you mean run\?\)\n\(see `mcp-await --help`\)/],
  ['an empty key', ['run', 'x', '--idempotency-key', ''], /^--idempotency-key is empty: name the job/],
  [
    'a missing reference',
    ['wait', '@none'],
    /none of the reference .* there is none \(ENOENT\)\. Check its path\./,
  ],
  [
    'a folder as reference',
    ['status', '@folder'],
    /folder of the reference .* it is a folder \(EISDIR\)\. Name a file\./,
  ],
  [
    'a missing file of servers',
    ['tools', '--server', 'a', '--config', 'none'],
    /none cannot be read: there is none/,
  ],
  [
    'a missing settings file',
    ['tools', '--settings', 'none'],
    /settings file .*none cannot be read: there is none/,
  ],
  [
    'a server that no file has',
    ['proxy', '--http', '--port', '0', '--server', 'nope'],
    /no server `nope` in .*It has: reports/,
  ],
  [
    'a URL to sign in to',
    ['login', 'ftp://x'],
    /^Expected the name of a server, or a URL .*got one with ftp:/,
  ],
  [
    'a port where nothing listens',
    ['run', 'x', '--url', 'http://127.0.0.1:9/mcp'],
    /^Nothing listens at .*check host and port/,
  ],
  [
    'a store that is not there',
    ['tasks', '--store', 'sqlite:none.db'],
    /^There is no store .*none\.db: check the path/,
  ],
  [
    'the same of stats',
    ['stats', '--store', 'sqlite:none.db'],
    /^There is no store .*none\.db: check the path/,
  ],
  ['help of no command', ['help', 'lst'], /^error: unknown command 'lst'\n\(Did you mean list\?\)/],
  ['a shell that is not said', ['completion'], /missing required argument 'shell': bash, zsh, fish\n/],
  [
    'what is no id and no reference',
    ['wait', 'zzz'],
    /^There is no job zzz .*`mcp-await list --all` shows the jobs\..*--url/,
  ],
  ['a name to sign in to', ['login', 'x', '--config', 'none'], /none cannot be read: there is none/],
])('%s is told with what to do about it', async (_case, words, message) => {
  const { code, stdout, stderr } = await runMain(words, { cwd });
  expect(stderr).toMatch(message);
  expect(stdout).toBe('');
  expect([2, 5]).toContain(code);
});

const asking = () =>
  jsonServer(({ method }) => {
    const inputSchema = { type: 'object', properties: { title: { type: 'string' } }, required: ['title'] };
    if (method === 'tools/list') return { result: { tools: [{ ...toolNamed('echo'), inputSchema }] } };
    const content = [{ type: 'text', text: 'no title' }];
    return method === 'tools/call' ? { result: { content, isError: true } } : undefined;
  });

test('arguments that cannot be read are told with where they came from', async () => {
  const url = await asking();
  const stderrOf = async (source: string, input = '') =>
    (await runMain(['run', 'echo', '--args', source, '--url', url], { cwd, input })).stderr;
  expect(await stderrOf('@empty.json')).toMatch(
    /^--args @empty\.json must be a JSON object such as .*and is empty\.$/m,
  );
  expect(await stderrOf('@broken.json')).toMatch(/^--args @broken\.json is no valid JSON: /);
  expect(await stderrOf('-')).toMatch(/^--args from standard input must be a JSON object .*is empty\./);
});

test('a call that failed without an argument that it requires is told which', async () => {
  const url = await asking();
  const { code, stderr } = await runMain(['run', 'echo', '--url', url]);
  expect(code).toBe(1);
  expect(stderr).toContain(
    `\`echo\` was called without \`title\`, which it requires: \`mcp-await tools echo --url ${url}\` shows how it is called.`,
  );
});

test('an operation that a server leaves out is told with the flag that offers it', async () => {
  const url = await jsonServer(({ method }) =>
    method === 'tools/list' ? { result: { tools: [toolNamed('initiate_background_task')] } } : undefined,
  );
  const stderrOf = async (tool: string, server: string) =>
    (await runMain(['run', tool, '--url', server])).stderr;
  expect(await stderrOf('sleep', url)).toContain(
    'no tool `sleep`. `mcp-await serve --offer-sleep` offers it. It has: initiate_background_task.',
  );
  expect(await stderrOf('mcp_tool', url)).toContain('`mcp-await serve --config FILE` offers it.');
  expect(await stderrOf('render', url)).not.toContain('offers it');
  expect(await stderrOf('sleep', await asking())).not.toContain('offers it');
});

test('a word that is no reference is taken for one of a server that is named', async () => {
  const { stderr } = await runMain(['wait', 'zzz', '--url', await asking(), '--timeout', '1s']);
  expect(stderr).not.toContain('There is no job');
});

test('what is not there yet is told with what makes it', async () => {
  const env = { MCP_AWAIT_HOME: mkdtempSync(join(cwd, 'home-')) };
  const alone = { cwd: mkdtempSync(join(tmpdir(), 'alone-')), env };
  try {
    expect((await runMain(['login', 'reports'], alone)).stderr).toMatch(/give its URL, or name the file/);
    expect((await runMain(['forget', '--pairs'], alone)).stderr).toMatch(/^No pair of tools has proved/);
    const { stdout } = await runMain(['doctor', '--server', 'x', '--config', 'mcp.json'], { cwd, env });
    expect(stdout).toMatch(/no server x in .*mcp\.json\. → name one of reports, or another file/);
    const { stderr } = await runMain(['pairs', 'init', '--url', await asking()], alone);
    expect(stderr).toMatch(/: `mcp-await tools --why --url .*` tells how each tool is awaited\./);
  } finally {
    rmSync(alone.cwd, { recursive: true, force: true, maxRetries: 5 });
  }
});

test('pairs of a tool that the server lacks are refused with what it has', async () => {
  const { code, stderr } = await runMain(['pairs', 'init', '--tool', 'ecko', '--url', await asking()]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/has no tool `ecko`\. Did you mean `echo`\?/);
});
