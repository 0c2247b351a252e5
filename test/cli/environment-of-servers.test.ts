import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { chooseAgain } from '../../src/cli/known-choice.js';
import { chooseServer } from '../../src/cli/server-choice.js';
import { knownStdioServer } from '../../src/client/journal/known-server.js';
import { runMain } from '../fixtures/cli/memory-io.js';

afterEach(() => vi.unstubAllEnvs());

const SERVER = `
const send = message => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
require('node:readline').createInterface({ input: process.stdin }).on('line', line => {
  const { id, method, params } = JSON.parse(line);
  const result = {
    initialize: () => ({ protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'x', version: '1' } }),
    'tools/list': () => ({ tools: [{ name: 'env', inputSchema: { type: 'object' } }] }),
    'tools/call': () => ({ content: [{ type: 'text', text: [process.env.INHERITED, process.env.GIVEN].join() }] }),
  }[method]?.();
  if (id !== undefined) send(result === undefined ? { id, error: { code: -32601, message: 'no' } } : { id, result });
});`;
const command = ['--', process.execPath, '-e', SERVER];
const quiet = ['run', 'env', '--quiet', '--no-journal'];

test('a command behind -- has the whole environment, and --env adds to it', async () => {
  vi.stubEnv('INHERITED', 'in=herited');
  expect(await runMain([...quiet, ...command])).toMatchObject({ code: 0, stdout: 'in=herited,\n' });
  const given = await runMain([...quiet, '--env', 'GIVEN=a=b', '--env', 'INHERITED=', ...command]);
  expect(given).toMatchObject({ code: 0, stdout: ',a=b\n' });
});

test('a server of a file has what the file says, and no more than is safe', async () => {
  vi.stubEnv('INHERITED', 'secret');
  const config = join(mkdtempSync(join(tmpdir(), 'environment-')), 'mcp.json');
  const [, program, ...args] = command;
  writeFileSync(
    config,
    JSON.stringify({ mcpServers: { s: { command: program, args, env: { GIVEN: 'g' } } } }),
  );
  const { stdout } = await runMain([...quiet, '--server', 's', '--config', config]);
  expect(stdout).toBe(',g\n');
});

test.each([['GIVEN'], ['=secret'], ['']])('--env %j is refused, and its text is not repeated', async line => {
  const { code, stderr } = await runMain([...quiet, '--env', line, ...command]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^An --env is written NAME=VALUE/);
  expect(stderr).not.toContain('secret');
});

test('--env goes with a command only', async () => {
  const { code, stderr } = await runMain([...quiet, '--env', 'A=1', '--url', 'http://127.0.0.1:1/']);
  expect([code, stderr]).toEqual([2, '--env goes with -- COMMAND.\n']);
});

const io = { env: {}, cwd: () => '/' } as never;

test('the words that lead back to a server name its variables without their values', () => {
  const chosen = chooseServer({ env: ['TOKEN=secret'] }, ['node', 'a.js'], io);
  expect(chosen.words).toBe(" --env 'TOKEN=…' -- node a.js");
  expect(chosen.unknownWords).toBe(" --env 'TOKEN=…'");
});

test('the journal keeps the names of given variables only, and asks for their values', () => {
  const server = knownStdioServer({ command: 'node', env: { TOKEN: 'secret' }, inheritEnv: true, cwd: '/' });
  expect(JSON.stringify(server)).not.toContain('secret');
  const record = { server } as never;
  expect(() => chooseAgain(record, {}, [])).toThrow(/the values of variables.*--env 'TOKEN=…'/);
  const again = chooseAgain(record, { env: ['TOKEN=other'] }, []);
  expect(again).toMatchObject({ flags: { env: ['TOKEN=other'] }, command: ['node'] });
});
