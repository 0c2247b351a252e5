import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startServer } from '../../src/server/start-server.js';
import { type AuthorizingServer, authorizingServer } from '../fixtures/client/authorizing-server.js';
import { loopbackServer } from '../fixtures/client/loopback-server.js';
import { heldOperation } from '../fixtures/server/test-operations.js';
import { browse } from '../fixtures/sign-in/browser.js';
import { type Command, newWorkplace, type Workplace } from './command.js';

const LONG = { timeout: 60_000 };

let place: Workplace;
let server: AuthorizingServer;
let upstream: string;
let close: () => Promise<void>;
let held: ReturnType<typeof heldOperation>;

beforeEach(async () => {
  place = await newWorkplace();
  held = heldOperation(60);
  const running = await startServer({ store: 'memory:', operations: [held.operation], http: { port: 0 } });
  close = () => running.close(0);
  upstream = running.url ?? '';
  server = await authorizingServer(upstream);
});
afterEach(async () => {
  held.release();
  await place.remove();
  await close();
});

async function linkOf(command: Command): Promise<string> {
  const [, link = ''] = await command.says(/^ {2}(http\S+)$/m);
  return link;
}

async function signedIn(url = server.url) {
  const login = place.start(['login', url]);
  const page = await browse(await linkOf(login));
  expect(page).toMatchObject({ status: 200, text: expect.stringContaining('You are signed in') });
  expect(await login.finished).toMatchObject({ code: 0, stdout: `Signed in to ${url}.\n` });
}

function savedFiles(): string[] {
  const folder = join(place.home, 'sign-ins');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(name => name.endsWith('.json'))
    .map(name => join(folder, name));
}

const run = (...more: string[]) => ['run', 'held', '--url', server.url, ...more];

describe('login', () => {
  test('signs in once, for every command, in a file that others cannot read', LONG, async () => {
    await signedIn();
    const [file = ''] = savedFiles();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(place.home, 'sign-ins')).mode & 0o777).toBe(0o700);
    held.release();
    const ran = await place.run(run());
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('released') });
    expect(server.grants).toEqual(['authorization_code']);
    const again = await place.run(['login', server.url]);
    expect(again).toMatchObject({ code: 0, stdout: `Signed in to ${server.url}.\n`, stderr: '' });
  });

  test('takes no answer to another request', LONG, async () => {
    const login = place.start(['login', server.url]);
    const link = new URL(await linkOf(login));
    const redirect = link.searchParams.get('redirect_uri') ?? '';
    for (const query of ['?code=1&state=2', '?code=1', '?error=access_denied&state=2'])
      expect(await browse(`${redirect}${query}`)).toMatchObject({ status: 400 });
    expect((await browse(new URL('/other', redirect).href)).status).toBe(404);
    const foreign = await browse(`${redirect.replace('127.0.0.1', 'localhost')}?code=1`).catch(() => ({
      status: 404,
    }));
    expect(foreign.status).toBe(404);
    expect(await browse(link.href)).toMatchObject({ status: 200 });
    expect(await login.finished).toMatchObject({ code: 0 });
  });

  test('of a person who says no ends with what was said', LONG, async () => {
    const login = place.start(['login', server.url]);
    const link = new URL(await linkOf(login));
    const back = new URL(link.searchParams.get('redirect_uri') ?? '');
    const state = link.searchParams.get('state') ?? '';
    const said = { error: 'access_denied', error_description: 'not today', state, iss: link.origin };
    back.search = String(new URLSearchParams(said));
    expect(await browse(back.href)).toMatchObject({
      status: 400,
      text: expect.stringContaining('not signed in'),
    });
    const { code, stderr } = await login.finished;
    expect(code).toBe(5);
    expect(stderr).toMatch(/Signing in to \S+ failed: access_denied: not today\. .*mcp-await login/);
    expect(savedFiles()).toEqual([]);
  });

  test('to a server that answers everybody has nothing to do', LONG, async () => {
    const { code, stdout } = await place.run(['login', upstream]);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/answers without a sign-in: there is nothing to do/),
    ]);
  });

  test.each([
    [
      ['login', 'http://127.0.0.1:1/mcp', '--client-secret-file', 'x'],
      /--client-secret-file goes with --client-id/,
    ],
    [
      ['login', 'http://127.0.0.1:1/mcp', '--redirect-url', 'http://example.com/x'],
      /is none on this machine/,
    ],
    [['login', 'http://127.0.0.1:1/mcp', '--config', 'x'], /--config goes with the name of a server/],
  ])('refuses %j', LONG, async (words, message) => {
    expect(await place.run(words)).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });
});

describe('a command without a terminal', () => {
  test('says what to do, and registers nobody', LONG, async () => {
    const { code, stderr } = await place.run(run());
    expect(code).toBe(5);
    expect(stderr).toContain(`wants you to sign in: run \`mcp-await login ${server.url}\` at a terminal`);
    expect(savedFiles()).toEqual([]);
  });

  test('signs in where it is told to', LONG, async () => {
    held.release();
    const command = place.start(run('--sign-in'));
    await browse(await linkOf(command));
    expect(await command.finished).toMatchObject({ code: 0, stdout: expect.stringContaining('released') });
  });

  test('that was signed in says so when the sign-in has ended', LONG, async () => {
    await signedIn();
    server.revoke();
    const { code, stderr } = await place.run(run());
    expect(code).toBe(5);
    expect(stderr).toMatch(/Your sign-in to \S+ has ended: run `mcp-await login/);
    const [file = ''] = savedFiles();
    expect(readFileSync(file, 'utf8')).not.toMatch(/secret-(access|refresh)/);
  });
});

describe('several processes', () => {
  test('make one sign-in, and one refresh', LONG, async () => {
    held.release();
    const first = place.start(run('--sign-in'));
    const link = await linkOf(first);
    const second = place.start(run('--sign-in'));
    await second.says(/Another process is signing in to \S+; this one waits for it/);
    await browse(link);
    for (const command of [first, second])
      expect(await command.finished).toMatchObject({ code: 0, stdout: expect.stringContaining('released') });
    expect(server.grants).toEqual(['authorization_code']);
    server.expire();
    const runs = [1, 2, 3].map(() => place.start(run()).finished);
    for (const ran of await Promise.all(runs)) expect(ran).toMatchObject({ code: 0 });
    expect(server.grants).toEqual(['authorization_code', 'refresh_token']);
    expect(server.reuses()).toBe(0);
  });

  test('go on when the one that is signing in is killed', LONG, async () => {
    held.release();
    const killed = place.start(run('--sign-in'));
    const link = await linkOf(killed);
    const other = place.start(run('--sign-in'));
    await other.says(/Another process is signing in/);
    killed.process.kill('SIGKILL');
    const another = await linkOf(other);
    expect(another).not.toBe(link);
    await browse(another);
    expect(await other.finished).toMatchObject({ code: 0, stdout: expect.stringContaining('released') });
  });
});

test('a token that expires in the middle of a wait is renewed there', LONG, async () => {
  await signedIn();
  const waiting = place.start(run('--max-interval', '200ms'));
  await vi.waitFor(() => expect(held.runs).toHaveLength(1), { timeout: 20_000 });
  server.expire();
  await vi.waitFor(() => expect(server.grants).toContain('refresh_token'), { timeout: 40_000 });
  held.release();
  expect(await waiting.finished).toMatchObject({ code: 0, stdout: expect.stringContaining('released') });
  expect(held.runs).toHaveLength(1);
});

test('a sign-in that ends in the middle of a wait is made anew, and the wait goes on', LONG, async () => {
  await signedIn();
  const waiting = place.start(run('--sign-in', '--max-interval', '200ms'));
  await vi.waitFor(() => expect(held.runs).toHaveLength(1), { timeout: 20_000 });
  server.revoke();
  await browse(await linkOf(waiting));
  held.release();
  expect(await waiting.finished).toMatchObject({ code: 0, stdout: expect.stringContaining('released') });
  expect(held.runs).toHaveLength(1);
});

test('Ctrl-C ends a sign-in that nobody finishes', LONG, async () => {
  const login = place.start(['login', server.url]);
  await linkOf(login);
  login.process.kill('SIGINT');
  expect((await login.finished).code).toBe(130);
});

test('logout forgets the tokens', LONG, async () => {
  await signedIn();
  const out = await place.run(['logout', server.url]);
  expect(out).toMatchObject({ code: 0, stdout: `Signed out of ${server.url}.\n` });
  expect(savedFiles()).toEqual([]);
  expect(await place.run(['logout', server.url])).toMatchObject({
    stdout: `You were not signed in to ${server.url}.\n`,
  });
});

test('a server that names nobody to sign in at wants a token that one has', LONG, async () => {
  const origin = await loopbackServer((_request, response) => response.writeHead(401).end());
  const url = `${origin}/mcp`;
  const quiet = await place.run(['run', 'held', '--url', url]);
  expect(quiet).toMatchObject({
    code: 5,
    stderr: expect.stringMatching(/names no authorization server; give it a header/),
  });
  const loud = await place.run(['login', url]);
  expect(loud).toMatchObject({
    code: 5,
    stderr: expect.stringMatching(/tells of no authorization server: .*--header/),
  });
});

test('a full disk does not end a command that is signed in', LONG, async () => {
  held.release();
  const command = place.start(run('--sign-in'));
  const link = await linkOf(command);
  // Nothing can be written where a file stands in the place of the folder.
  renameSync(join(place.home, 'sign-ins'), join(place.home, 'away'));
  writeFileSync(join(place.home, 'sign-ins'), '');
  await browse(link);
  const { code, stderr } = await command.finished;
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/The sign-in \S+ cannot be written: .*It ends with this process/);
});
