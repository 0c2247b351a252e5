import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Caller, callerOf } from '../fixtures/server/connected-tools.js';
import { newWorkplace, type Running, type Workplace } from './command.js';

const ADA = 'ada-has-a-long-token';
const BOB = 'bob-has-a-long-token';

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

interface Serving {
  readonly command: Running;
  readonly url: string;
  readonly port: string;
}

const startHttp = (...args: readonly string[]) => serving(args, words => place.startHere(words));
const startProcess = (...args: readonly string[]) => serving(args, words => place.start(words));

async function serving(
  args: readonly string[],
  start: (words: readonly string[]) => Running,
): Promise<Serving> {
  const command = start(['serve', '--http', '--offer-sleep', '--port', '0', ...args]);
  const [, url = '', port = ''] = await command.says(/Listening on (http:\/\/127\.0\.0\.1:(\d+)\/mcp)\n/);
  return { command, url, port };
}

async function connect(url: string, token?: string): Promise<Caller> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  await client.connect(transport as Transport);
  onTestFinished(() => client.close());
  await client.listTools();
  return callerOf(client);
}

describe('serve --http', () => {
  it('keeps a task and its result over a restart of the server', async () => {
    const first = await startProcess();
    const caller = await connect(first.url);
    const taskRef = (await caller.initiate('sleep', { seconds: 0.3 }, { idempotency_key: 'k' })).data
      .task_ref;
    first.command.kill('SIGTERM');
    expect(await first.command.finished).toMatchObject({ code: 0, stdout: '' });
    const second = await startProcess();
    const again = await connect(second.url);
    const { data } = await again.resolve(taskRef, 10);
    expect(data).toMatchObject({ status: 'completed', result: { slept_seconds: 0.3 } });
    const repeated = await again.initiate('sleep', { seconds: 0.3 }, { idempotency_key: 'k' });
    expect(repeated.data).toMatchObject({ task_ref: taskRef, status: 'completed' });
  });

  it('names the address of its page of tasks', async () => {
    const { command } = await startHttp('--task-page');
    const [, page = ''] = await command.says(/^The page of tasks is (\S+)$/m);
    expect(await (await fetch(page)).text()).toContain('<title>');
  });

  it('answers long polls before it ends', async () => {
    const { command, url } = await startHttp();
    const caller = await connect(url);
    const taskRef = (await caller.initiate('sleep', { seconds: 1 })).data.task_ref;
    const answer = caller.resolve(taskRef, 20);
    await new Promise(resolve => setTimeout(resolve, 100));
    command.kill('SIGTERM');
    expect((await answer).data).toMatchObject({ status: 'completed' });
    expect((await command.finished).code).toBe(0);
  });

  it('does not wait when it is asked to end twice', async () => {
    const { command, url } = await startHttp();
    const caller = await connect(url);
    const taskRef = (await caller.initiate('sleep', { seconds: 60 })).data.task_ref;
    caller.resolve(taskRef, 20).catch(() => {});
    await vi.waitFor(async () => expect((await caller.resolve(taskRef)).data.status).toBe('processing'));
    const startedAt = performance.now();
    command.kill('SIGINT');
    await new Promise(resolve => setTimeout(resolve, 300));
    command.kill('SIGINT');
    expect((await command.finished).code).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(9000);
  });

  it('answers before an operation blocks the process', async () => {
    const operations = join(place.home, 'blocking.mjs');
    const answered = join(place.home, 'answered');
    const dist = new URL('../../dist/server/index.js', import.meta.url);
    const zod = import.meta.resolve('zod');
    await writeFile(
      operations,
      `import { existsSync } from 'node:fs';
       import { defineOperation } from '${dist}';
       import { z } from '${zod}';
       export const operations = [defineOperation({
         name: 'blocking', description: 'Blocks.', input: z.object({}), slaSeconds: 60,
         async run() {
           const turn = new Int32Array(new SharedArrayBuffer(4));
           for (let looks = 0; looks < 1000 && !existsSync('${answered}'); looks++) Atomics.wait(turn, 0, 0, 20);
           return existsSync('${answered}');
         },
       })];`,
    );
    const caller = await connect((await startProcess('--operations', operations)).url);
    const { data } = await caller.initiate('blocking');
    await writeFile(answered, '');
    expect((await caller.resolve(data.task_ref, 20)).data.result).toBe(true);
  });

  it('keeps the tasks of one token from another, on two ports of one store, and says no token', async () => {
    const tokens = join(place.home, 'tokens');
    await writeFile(tokens, `# who may call\nada=${ADA}\n\n${BOB}\n`);
    const [one, two] = [await startHttp('--token-file', tokens), await startHttp('--token-file', tokens)];
    const [ada, adaThere, bob] = [
      await connect(one.url, ADA),
      await connect(two.url, ADA),
      await connect(one.url, BOB),
    ];
    const taskRef = (await ada.initiate('sleep', { seconds: 0.1 })).data.task_ref;
    expect((await bob.resolve(taskRef, 5)).data.error.code).toBe('TASK_NOT_FOUND');
    expect((await bob.cancel(taskRef)).data.error.code).toBe('TASK_NOT_FOUND');
    expect((await adaThere.resolve(taskRef, 5)).data.status).toBe('completed');
    await expect(connect(one.url)).rejects.toThrow(/bearer token/);
    await expect(connect(one.url, 'eve-has-a-long-token')).rejects.toThrow(/bearer token/);
    for (const { command } of [one, two]) {
      command.kill('SIGTERM');
      const { stdout, stderr } = await command.finished;
      expect(stdout + stderr).not.toMatch(/has-a-long/);
      expect(stderr.replace(/^\S+ info Closing\n/m, '')).toMatch(/^Listening on \S+\n$/);
    }
  });

  it('refuses a port that is in use, and leaves the tasks in the store alone', async () => {
    const { port } = await startHttp();
    const second = await place.run(['serve', '--http', '--port', port]);
    expect(second).toMatchObject({ code: 2, stdout: '' });
    expect(second.stderr).toMatch(
      new RegExp(`^Port ${port} on 127\\.0\\.0\\.1 is in use: choose another with --port.*\n$`),
    );
  });

  it('has no sleep unless the operator offers it, and no mcp_tool unless the operator names the servers', async () => {
    const servers = join(place.home, 'mcp.json');
    await writeFile(servers, JSON.stringify({ mcpServers: { slow: { command: 'slow' } } }));
    const found = place.start(['serve', '--http', '--port', '0'], { cwd: place.home });
    const [, url = ''] = await found.says(/Listening on (\S+)\n/);
    const parameters = { server: 'slow', tool: 'greet' };
    // Nor what holds a place for an hour and does nothing.
    expect((await (await connect(url)).initiate('sleep', { seconds: 0 })).data.error.code).toBe(
      'UNKNOWN_OPERATION',
    );
    expect((await (await connect(url)).initiate('mcp_tool', parameters)).data.error.code).toBe(
      'UNKNOWN_OPERATION',
    );
    const named = await connect((await startHttp('--config', servers)).url);
    const { data } = await named.initiate('mcp_tool', { ...parameters, server: 'fast' });
    expect(data.error).toMatchObject({
      code: 'INVALID_PARAMETERS',
      message: expect.stringContaining('one of slow'),
    });
  });
});

describe('what goes wrong is one line, exit code 2 and no token', () => {
  it.each<[string, string[], RegExp]>([
    ['another address without a token', ['--host', '0.0.0.0'], /Listening on 0\.0\.0\.0 without a token/],
    ['all addresses of IPv6 without a token', ['--host', '::'], /without a token/],
    ['a token that is too short', ['--token', 's3cret'], /^Token 1 is too short/],
    ['a token with a space', ['--token', 's3cret s3cret s3cret'], /^Token 1 cannot be sent/],
    ['an empty token', ['--token', ''], /^Token 1 is too short/],
    [
      'a token file that is not there',
      ['--token-file', 'no-such-file'],
      /token file no-such-file cannot be read: there is none \(ENOENT\)/,
    ],
    [
      'a token file that is a folder',
      ['--token-file', 'src'],
      /token file src cannot be read: it is a folder \(EISDIR\)/,
    ],
    ['a token and a token file', ['--token', 's3cret-s3cret-s3cret', '--token-file', 'x'], /not both/],
    ['a port that is none', ['--port', '65536'], /65536/],
    [
      'an address that is not here',
      ['--host', '192.0.2.1', '--token', 's3cret-s3cret-s3cret'],
      /Cannot listen on 192\.0\.2\.1/,
    ],
    ['a store that is none', ['--store', 'mysql://host'], /is no store/],
    [
      'a store that is no database',
      ['--store', 'sqlite:package.json'],
      /package\.json cannot be opened: .*SQLite database/,
    ],
    ['no concurrency', ['--concurrency', '0'], /0/],
    ['a missing file of servers', ['--config', 'no-such-file.json'], /no-such-file\.json cannot be read/],
  ])('%s', async (_case, args, message) => {
    const { code, stdout, stderr } = await place.run([
      'serve',
      '--http',
      ...(args.includes('--port') ? [] : ['--port', '0']),
      ...args,
    ]);
    expect(stderr).toMatch(message);
    expect(stderr.replace(/\(see `mcp-await [^\n]*\n/, '')).toMatch(/^[^\n]+\n$/);
    expect(stderr).not.toContain('s3cret');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it.each([
    ['a token', ['--token', ADA]],
    ['a port', ['--port', '0']],
    ['a host', ['--host', '127.0.0.1']],
  ])('%s goes with --http', async (_case, args) => {
    const { code, stderr } = await place.run(['serve', ...args]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: `${args[0]} goes with --http.\n` });
  });

  it('a token file without a token does not open the door', async () => {
    const file = join(place.home, 'tokens');
    await writeFile(file, '# none yet\n');
    const { code, stderr } = await place.run(['serve', '--http', '--port', '0', '--token-file', file]);
    expect(stderr).toMatch(/names no token/);
    expect(code).toBe(2);
  });
});
