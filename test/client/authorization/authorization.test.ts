import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { ConnectOptions } from '../../../src/client/connect/connect.js';
import type { AwaitEvent } from '../../../src/client/events.js';
import { AuthorizationError } from '../../../src/errors.js';
import { startServer } from '../../../src/server/start-server.js';
import { sleep } from '../../../src/time/sleep.js';
import {
  type AuthorizingServer,
  authorizingServer,
  MemoryProvider,
} from '../../fixtures/client/authorizing-server.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { heldOperation } from '../../fixtures/server/test-operations.js';

const LONG = { timeout: 60_000 };
const PATIENT = { timeout: 20_000 };
const QUICK = {
  initialIntervalMs: 20,
  maxIntervalMs: 100,
  longPollMs: 0,
  maxAttempts: Number.POSITIVE_INFINITY,
};
const ERAS = [
  ['2026-07-28', {}],
  ['2025-11-25', { discoverTimeoutMs: 0 }],
] as const;

async function protectedServer() {
  const held = heldOperation(60);
  const server = await startServer({ store: 'memory:', operations: [held.operation], http: { port: 0 } });
  onTestFinished(() => server.close(0));
  return { held, server: await authorizingServer(server.url ?? '') };
}

async function connected(server: AuthorizingServer, options: ConnectOptions = {}) {
  const authProvider = new MemoryProvider();
  const target = { url: server.url, authProvider };
  const refused = await failureOf(AwaitClient.connect(target, options));
  await finish(refused, authProvider);
  const events: AwaitEvent[] = [];
  const onEvent = (event: AwaitEvent) => events.push(event);
  const client = await AwaitClient.connect(target, { ...QUICK, ...options, onEvent });
  onTestFinished(() => client.close());
  return { client, authProvider, refused, events };
}

async function finish(error: Error, { answer }: MemoryProvider) {
  expect(error).toBeInstanceOf(AuthorizationError);
  await (error as AuthorizationError).finishAuth?.(answer ?? '');
}

function programOf({ url }: AuthorizingServer) {
  const expectedIssuer = new URL(url).origin;
  return new ClientCredentialsProvider({
    clientId: 'program',
    clientSecret: 'secret-program',
    expectedIssuer,
  });
}

/** No token, code or secret of the fixture is in what a program may log. */
function expectNoSecret(error: unknown) {
  for (let link: unknown = error; link instanceof Error; link = link.cause)
    expect(`${link.stack} ${JSON.stringify(link)}`).not.toMatch(/secret-/);
}

describe.each(ERAS)('a server of the %s generation that wants authorization', (era, options) => {
  test('is connected to once somebody has given it', LONG, async () => {
    const { server, held } = await protectedServer();
    held.release();
    const { client, refused, authProvider } = await connected(server, options);
    expect(refused.message).toMatch(/wants authorization.*call this error's `finishAuth` with the URL/);
    expectNoSecret(refused);
    expect(authProvider.redirectCount).toBe(1);
    expect((client.transport as { revision?: string } | undefined)?.revision).toBe(era);
    await expect(client.callTool({ name: 'held', arguments: {} })).resolves.toMatchObject({
      content: [{ text: expect.stringContaining('released') }],
    });
  });

  test('takes another token in the middle of a wait, and nothing is started twice', LONG, async () => {
    const { server, held } = await protectedServer();
    const { client, events, authProvider } = await connected(server, options);
    const task = await client.startTool({ name: 'held', arguments: {} });
    const result = task.result();
    server.expire();
    await vi.waitFor(() => expect(server.grants).toContain('refresh_token'), PATIENT);
    held.release();
    await expect(result).resolves.not.toHaveProperty('isError', true);
    expect(held.runs).toHaveLength(1);
    expect(authProvider.redirectCount).toBe(1);
    expect(events.map(({ type }) => type)).not.toContain('connection-lost');
  });

  test(
    'that takes no refresh token any more ends the wait, which goes on once somebody has authorized',
    LONG,
    async () => {
      const { server, held } = await protectedServer();
      const { client, authProvider } = await connected(server, options);
      const task = await client.startTool({ name: 'held', arguments: {} });
      server.revoke();
      const error = await failureOf(task.result());
      expect(error).toMatchObject({ name: 'AuthorizationError', code: 'AUTHORIZATION', tool: 'held' });
      expect(error.reference).toEqual(task.reference);
      expect(error.message).toMatch(/`finishAuth`.*may still be running: its reference resumes it/);
      expectNoSecret(error);
      await finish(error, authProvider);
      held.release();
      const resumed = await client.resumeTask(task.reference as never);
      await expect(resumed.result()).resolves.not.toHaveProperty('isError', true);
      expect(held.runs).toHaveLength(1);
    },
  );

  test('refuses many waits at once: one refresh, or one person who is asked, is enough', LONG, async () => {
    const { server, held } = await protectedServer();
    const { client, authProvider } = await connected(server, { ...options, maxPollsPerSecond: 1000 });
    const labels = Array.from({ length: 20 }, (_, index) => `${index}`);
    const tasks = await Promise.all(
      labels.map(label => client.startTool({ name: 'held', arguments: { label } })),
    );
    const ends = tasks.map(task => failureOf(task.result()));
    server.expire();
    await vi.waitFor(() => expect(server.refused.length).toBeGreaterThan(1), PATIENT);
    await vi.waitFor(() => expect(server.grants).toContain('refresh_token'), PATIENT);
    expect([server.grants.filter(grant => grant === 'refresh_token').length, server.reuses()]).toEqual([
      1, 0,
    ]);
    const accepted = server.acceptedCount();
    await vi.waitFor(() => expect(server.acceptedCount()).toBeGreaterThan(accepted + tasks.length), PATIENT);
    server.revoke();
    const errors = await Promise.all(ends);
    expect(errors.map(error => error.reference)).toEqual(tasks.map(task => task.reference));
    expect(authProvider.redirectCount).toBe(2);
    held.release();
  });

  test(
    'whose authorization server is away for a while makes a wait wait, and sends nobody',
    LONG,
    async () => {
      const { server, held } = await protectedServer();
      const { client, authProvider } = await connected(server, options);
      const task = await client.startTool({ name: 'held', arguments: {} });
      const result = task.result();
      server.tokenFaults.push(
        response => response.writeHead(503).end(),
        response => response.destroy(),
      );
      server.expire();
      await vi.waitFor(() => expect(server.grants.length).toBeGreaterThanOrEqual(4), PATIENT);
      held.release();
      await expect(result).resolves.not.toHaveProperty('isError', true);
      expect(authProvider.redirectCount).toBe(1);
    },
  );

  test('sends nobody when a client says goodbye', LONG, async () => {
    const { server } = await protectedServer();
    const { client, authProvider } = await connected(server, options);
    server.revoke();
    await client.close();
    expect(authProvider.redirectCount).toBe(1);
  });

  test('leaves no secret in the journal', LONG, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mcp-await-auth-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
    const { server, held } = await protectedServer();
    held.release();
    const { client } = await connected(server, { ...options, journal: { file: join(folder, 'journal.db') } });
    await client.callTool({ name: 'held', arguments: {} });
    const files = await readdir(folder);
    expect(files).toContain('journal.db');
    for (const file of files) expect(await readFile(join(folder, file), 'latin1')).not.toContain('secret-');
  });
});

test('a session that the server has forgotten is renewed with a refreshed token', LONG, async () => {
  const { server, held } = await protectedServer();
  const { client, events, authProvider } = await connected(server, { discoverTimeoutMs: 0 });
  const task = await client.startTool({ name: 'held', arguments: {} });
  const result = task.result();
  server.forgetSessions();
  server.expire();
  await vi.waitFor(() => expect(events.map(({ type }) => type)).toContain('connection-restored'), PATIENT);
  held.release();
  await expect(result).resolves.not.toHaveProperty('isError', true);
  expect([held.runs.length, authProvider.redirectCount]).toEqual([1, 1]);
});

test('an authorization that takes long does not make a server look older than it is', LONG, async () => {
  const { server } = await protectedServer();
  const { client: first, authProvider } = await connected(server);
  await first.close();
  server.expire();
  server.tokenFaults.push(() => sleep(2500).then(() => 'late'));
  const target = { url: server.url, authProvider };
  const client = await AwaitClient.connect(target, { discoverTimeoutMs: 2000 });
  onTestFinished(() => client.close());
  expect((client.transport as { revision?: string } | undefined)?.revision).toBe('2026-07-28');
});

test('a call that needs more than was granted asks for both, and not for a refresh', LONG, async () => {
  const { server, held } = await protectedServer();
  held.release();
  const { client, authProvider } = await connected(server);
  for (const scope of ['read', 'write']) {
    server.demand(scope);
    const error = await failureOf(client.callTool({ name: 'held', arguments: {} }));
    expect(error.message).toMatch(/`held` was not called/);
    await finish(error, authProvider);
  }
  await expect(client.callTool({ name: 'held', arguments: {} })).resolves.not.toHaveProperty('isError', true);
  expect(authProvider.tokens()?.scope).toBe('read write');
  expect(server.grants).toEqual(Array(3).fill('authorization_code'));
});

test('credentials that are refused are told without what is secret in them', LONG, async () => {
  const { server } = await protectedServer();
  const authProvider = programOf(server);
  const echo = (error: string) => (response: Parameters<(typeof server.tokenFaults)[number]>[0]) =>
    response
      .writeHead(400, { 'content-type': 'application/json' })
      .end(JSON.stringify({ error, error_description: 'not secret-program' }));
  server.tokenFaults.push(echo('invalid_client'), echo('invalid_client'));
  const error = await failureOf(AwaitClient.connect({ url: server.url, authProvider }));
  expect(error).toBeInstanceOf(AuthorizationError);
  expect(error.message).toMatch(/refused \(invalid_client: not …\): check the provider/);
  expect(error.finishAuth).toBeUndefined();
  expectNoSecret(error);
});

test('an answer of the token endpoint that is none is not quoted', LONG, async () => {
  const { server } = await protectedServer();
  const authProvider = programOf(server);
  server.tokenFaults.push(response => response.writeHead(200).end('secret-access-1'));
  const error = await failureOf(AwaitClient.connect({ url: server.url, authProvider }));
  expect(error.message).toContain('answer cannot be read');
  expectNoSecret(error);
});

test('an answer to a redirect that somebody else has made is refused', LONG, async () => {
  const { server } = await protectedServer();
  const authProvider = new MemoryProvider();
  const refused = await failureOf(AwaitClient.connect({ url: server.url, authProvider }));
  const forged = new URL(authProvider.answer ?? '');
  forged.searchParams.set('iss', 'https://evil.example');
  const error = await failureOf(
    (refused as unknown as AuthorizationError).finishAuth?.(forged) as Promise<void>,
  );
  expect(error.message).toMatch(/is not from the authorization server/);
  expect(server.grants).toEqual([]);
  await finish(refused, authProvider);
  await expect(
    AwaitClient.connect({ url: server.url, authProvider }).then(c => c.close()),
  ).resolves.toBeUndefined();
});

test(
  'a token of a header that expires in the middle of a wait ends it with the reference',
  LONG,
  async () => {
    const { server, held } = await protectedServer();
    const { authProvider } = await connected(server);
    const authorization = `Bearer ${authProvider.tokens()?.access_token}`;
    const client = await AwaitClient.connect({ url: server.url, headers: { authorization } }, QUICK);
    onTestFinished(() => client.close());
    const task = await client.startTool({ name: 'held', arguments: {} });
    server.expire();
    const error = await failureOf(task.result());
    expect(error).toMatchObject({ code: 'AUTHORIZATION', reference: task.reference, finishAuth: undefined });
    expect(error.message).toMatch(/HTTP 401.*another `Authorization` header.*its reference resumes it/);
    expectNoSecret(error);
    held.release();
  },
);

test('somebody who says no is asked again by the next call', LONG, async () => {
  const { server } = await protectedServer();
  const authProvider = new MemoryProvider();
  const connect = () => AwaitClient.connect({ url: server.url, authProvider });
  const refused = (await failureOf(connect())) as unknown as AuthorizationError;
  const no = new URL(authProvider.answer ?? '');
  no.searchParams.delete('code');
  no.searchParams.set('error', 'access_denied');
  const error = await failureOf(refused.finishAuth?.(no) as Promise<void>);
  expect(error.message).toMatch(/refused \(access_denied\)/);
  await finish(await failureOf(connect()), authProvider);
  expect(authProvider.redirectCount).toBe(2);
});

test('all who were told of one redirect may finish it', LONG, async () => {
  const { server } = await protectedServer();
  const authProvider = new MemoryProvider();
  const connect = () => AwaitClient.connect({ url: server.url, authProvider });
  const errors = await Promise.all([failureOf(connect()), failureOf(connect())]);
  expect(authProvider.redirectCount).toBe(1);
  await Promise.all(errors.map(error => finish(error, authProvider)));
  expect(server.grants).toEqual(['authorization_code']);
  const client = await connect();
  await client.close();
});

test.each([
  [{ authProvider: {} as never }, /Expected `authProvider` to be an OAuthClientProvider/],
  [{ authProvider: new MemoryProvider(), headers: { authorization: 'x' } }, /Give either/],
])('a target that makes no sense is refused before anything is sent: %#', async (target, message) => {
  await expect(AwaitClient.connect({ url: 'http://127.0.0.1:1/mcp', ...target })).rejects.toThrow(message);
});
