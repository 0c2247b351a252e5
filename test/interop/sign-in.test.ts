import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { sleep as wait } from '../../src/time/sleep.js';
import { BIN, type Command, newWorkplace, ROOT, type Workplace } from '../cli/command.js';
import { freePort } from '../fixtures/free-port.js';
import { browse } from '../fixtures/sign-in/browser.js';

/** oidc-provider (npm) is the authorization server, our own server is the resource, our commands are the clients. */
const LONG = { timeout: 120_000 };
const PATIENT = { timeout: 40_000, interval: 200 };
const CALLBACK = 'http://127.0.0.1:18976/callback';

let place: Workplace;
let issuer: string;
let url: string;
let authorizationServer: ChildProcess;

beforeAll(async () => {
  place = await newWorkplace();
  authorizationServer = spawn(
    process.execPath,
    [join(ROOT, 'test/fixtures/sign-in/authorization-server.mjs')],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const [line] = await once(createInterface({ input: authorizationServer.stdout as never }), 'line');
  issuer = String(line);
  const port = String(await freePort());
  url = `http://127.0.0.1:${port}/mcp`;
  const auth = ['--auth-issuer', issuer, '--auth-audience', url, '--auth-scope', 'tasks'];
  const server = place.start([
    'serve',
    '--http',
    '--port',
    port,
    '--store',
    'memory:',
    '--offer-sleep',
    ...auth,
  ]);
  await server.says(/Listening on/);
}, 60_000);
afterAll(async () => {
  await place.remove();
  authorizationServer.kill();
});

async function user(): Promise<Workplace> {
  const mine = await newWorkplace();
  onTestFinished(() => mine.remove());
  return mine;
}

async function counts(): Promise<Record<string, number>> {
  return (await (await fetch(`${issuer}/test/counts`)).json()) as Record<string, number>;
}

async function control(path: string): Promise<void> {
  await (await fetch(`${issuer}/test/${path}`)).text();
}

/** Signs in at the link that a command shows, as one account. */
async function agree(command: Command, account = 'alice'): Promise<number> {
  const [, link = ''] = await command.says(/^ {2}(http\S+)$/m);
  return (await browse(`${link}&login_hint=${account}`)).status;
}

const sleep = (seconds: number, ...more: string[]) => [
  'run',
  'sleep',
  '--arg',
  `seconds=${seconds}`,
  '--url',
  url,
  ...more,
];

test('the whole loop: two processes sign in once, and the tasks belong to the subject', LONG, async () => {
  const mine = await user();
  const before = await counts();
  const commands = [1, 2].map(() => mine.start(sleep(0, '--sign-in')));
  const first = await Promise.any(commands.map(async each => (await each.says(/^ {2}http/m)) && each));
  expect(await agree(first)).toBe(200);
  for (const command of commands)
    expect(await command.finished).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('slept_seconds'),
    });
  const after = await counts();
  expect(after.registrations).toBe((before.registrations ?? 0) + 1);
  expect(after.code).toBe((before.code ?? 0) + 1);

  const started = await mine.run(sleep(300, '--detach', '--json'));
  const { reference } = JSON.parse(started.stdout);
  const status = (who: Workplace) => who.start(['status', JSON.stringify(reference), '--url', url]).finished;
  expect(await status(mine)).toMatchObject({ code: 0, stdout: expect.stringMatching(/working/) });
  const other = await user();
  const login = other.start(['login', url]);
  expect(await agree(login, 'bob')).toBe(200);
  expect(await login.finished).toMatchObject({ code: 0, stdout: `Signed in to ${url} (scope tasks).\n` });
  expect(await status(other)).toMatchObject({ code: 1 });
  expect(await mine.start(['cancel', JSON.stringify(reference), '--url', url]).finished).toMatchObject({
    code: 0,
  });
});

test(
  'a token that expires is refreshed once for many, and a refresh token is never used twice',
  LONG,
  async () => {
    const mine = await user();
    await control('access-seconds?is=1');
    try {
      const login = mine.start(['login', url]);
      await agree(login);
      expect((await login.finished).code).toBe(0);
    } finally {
      await control('access-seconds?is=3600');
    }
    // 30 s are tolerated.
    await wait(32_000);
    const before = await counts();
    const runs = await Promise.all([1, 2, 3].map(() => mine.start(sleep(0)).finished));
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    const after = await counts();
    expect([after.refresh, after.refused]).toEqual([(before.refresh ?? 0) + 1, before.refused]);
  },
);

test('after logout the tokens are given back, and a command says what to do', LONG, async () => {
  const mine = await user();
  const login = mine.start(['login', url]);
  await agree(login);
  await login.finished;
  const before = await counts();
  expect(await mine.run(['logout', url])).toMatchObject({
    code: 0,
    stderr: '',
    stdout: `Signed out of ${url}.\n`,
  });
  expect((await counts()).revoked).toBeGreaterThan(before.revoked ?? 0);
  expect(await mine.run(sleep(0))).toMatchObject({
    code: 5,
    stderr: expect.stringContaining(`mcp-await login ${url}`),
  });
});

test('a person may say no', LONG, async () => {
  const login = (await user()).start(['login', url]);
  expect(await agree(login, 'nobody')).toBe(400);
  expect(await login.finished).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('access_denied: the person said no'),
  });
});

test(
  'a client that is registered by hand, with a secret and a fixed port, in an mcpServers file',
  LONG,
  async () => {
    const mine = await user();
    const folder = await mkdtemp(join(mine.home, 'project-'));
    const oauth = { clientId: 'by-hand', clientSecret: `\${SECRET}`, redirectUri: CALLBACK };
    await writeFile(join(folder, 'mcp.json'), JSON.stringify({ mcpServers: { tasks: { url, oauth } } }));
    const options = { cwd: folder, env: { SECRET: 'secret-of-by-hand' } };
    const registered = (await counts()).registrations;
    const login = mine.start(['login', 'tasks'], options);
    expect(await agree(login)).toBe(200);
    expect(await login.finished).toMatchObject({ code: 0 });
    const run = mine.start(['run', 'sleep', '--arg', 'seconds=0', '--server', 'tasks'], options);
    expect(await run.finished).toMatchObject({ code: 0 });
    expect((await counts()).registrations).toBe(registered);
  },
);

test('the proxy takes what login has kept, also while it runs', LONG, async () => {
  const mine = await user();
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [BIN, 'proxy', '--url', url],
    env: { ...(process.env as Record<string, string>), MCP_AWAIT_HOME: mine.home },
    stderr: 'pipe',
  });
  let stderr = '';
  transport.stderr?.on('data', chunk => {
    stderr += chunk;
  });
  const client = new Client({ name: 'host', version: '1' });
  await client.connect(transport);
  onTestFinished(() => client.close());
  await vi.waitFor(() => expect(stderr).toContain(`run \`mcp-await login ${url}\``), PATIENT);
  const login = mine.start(['login', url]);
  await agree(login);
  await login.finished;
  await vi.waitFor(
    async () => expect((await client.listTools()).tools.map(({ name }) => name)).toContain('sleep'),
    PATIENT,
  );
  const result = await client.callTool({ name: 'sleep', arguments: { seconds: 0 } });
  expect(JSON.stringify(result.content)).toContain('slept_seconds');
});
