import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { ConnectOptions } from '../../../src/client/connect/connect.js';
import { AwaitAbortedError, ConfigurationError, ServerUnavailableError } from '../../../src/errors.js';
import { VERSION } from '../../../src/version.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';

const script = fileURLToPath(new URL('../../fixtures/client/stdio-server.mjs', import.meta.url));

const serverIn = (mode: string, env: Record<string, string> = {}) => ({
  command: process.execPath,
  args: [script, mode, '--token=secret-argument'],
  env: { ...env, SECRET: 'secret-variable' },
});

const connect = (mode: string, options?: ConnectOptions) => AwaitClient.connect(serverIn(mode), options);

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function waitUntil(condition: () => boolean): Promise<void> {
  for (let count = 0; count < 400 && !condition(); count++)
    await new Promise(resolve => setTimeout(resolve, 25));
}

const pidOf = (client: AwaitClient) =>
  (client.transport as unknown as { current: { pid: number } }).current.pid;
const pidIn = (text: string) => Number(/pid=(\d+)/.exec(text)?.[1]);

/** No failure tells what was handed to the process. */
function expectNoSecret(error: Error) {
  for (let link: unknown = error; link instanceof Error; link = link.cause)
    expect(link.message).not.toMatch(/secret-/);
}

describe('a command that serves MCP', () => {
  test('is connected to, and ends when the client is closed', async () => {
    const client = await connect('serve');
    expect(client.getServerVersion()).toEqual({ name: 'stdio', version: '1' });
    const pid = pidOf(client);
    expect(isRunning(pid)).toBe(true);
    await client.close();
    expect(isRunning(pid)).toBe(false);
  });

  test('gets the variables it is given beside the few that are safe to hand on', async () => {
    process.env.NOT_FOR_SERVERS = 'private';
    const client = await AwaitClient.connect(serverIn('serve', { GIVEN: 'yes' }));
    const { structuredContent } = await client.callTool({ name: 'environment' });
    delete process.env.NOT_FOR_SERVERS;
    expect(structuredContent).toMatchObject({ GIVEN: 'yes', PATH: expect.any(String) });
    expect(structuredContent).not.toHaveProperty('NOT_FOR_SERVERS');
    await client.close();
  });

  test('may print a banner to its standard output first', async () => {
    const client = await connect('banner');
    await expect(client.ping()).resolves.toEqual({});
    await client.close();
  });

  test('and dies in the middle of a wait, and is not to be started again, leaves an error with the reference', async () => {
    const client = await connect('serve', { reconnect: false });
    const error = await failureOf(client.callTool({ name: 'initiate_background_task' }));
    expect(error).toBeInstanceOf(ServerUnavailableError);
    expect(error).toMatchObject({
      tool: 'initiate_background_task',
      reference: { handle: { pair: 'mcp-await', ids: ['task-1'] } },
    });
    expect(error.message).toMatch(
      /Contact with the server was lost .*may still be running: its reference resumes it/,
    );
    await client.close();
  });

  test('is told who we are', async () => {
    const client = await connect('serve', { clientInfo: { name: 'me', version: '7' } });
    expect((client.sdkClient as unknown as { _clientInfo: object })._clientInfo).toEqual({
      name: 'me',
      version: '7',
    });
    await client.close();
    const byDefault = await connect('serve');
    expect((byDefault.sdkClient as unknown as { _clientInfo: object })._clientInfo).toEqual({
      name: 'mcp-await',
      version: VERSION,
    });
    await byDefault.close();
  });
});

describe.concurrent('a command that cannot be spoken to', () => {
  test('because it does not exist is named, with what to check', async () => {
    const error = await failureOf(
      AwaitClient.connect({ command: 'no-such-command-anywhere', args: ['secret-argument'] }),
    );
    expect(error).toBeInstanceOf(ServerUnavailableError);
    expect(error.message).toMatch(/`no-such-command-anywhere` was not found; check its spelling/);
    expect(error.message).not.toMatch(/secret-/);
  });

  test('because its working directory does not exist says so', async () => {
    const error = await failureOf(AwaitClient.connect({ ...serverIn('serve'), cwd: '/no/such/directory' }));
    expect(error.message).toMatch(/working directory/);
    expectNoSecret(error);
  });

  test('because it may not be executed says so', async () => {
    const error = await failureOf(AwaitClient.connect({ command: script }));
    expect(error.message).toMatch(/may not be executed; check its permissions/);
  });

  test('because it ends at once shows what it wrote to standard error', async () => {
    const error = await failureOf(connect('exit'));
    expect(error).toBeInstanceOf(ServerUnavailableError);
    expect(error.message).toMatch(
      /ended with exit code 3 before it answered `initialize`.*\ncannot open the database$/s,
    );
    expect(error.message).not.toContain('is not MCP');
    expectNoSecret(error);
  });

  test('because it prints something else says so, and it is ended', async () => {
    const error = await failureOf(connect('garbage', { connectTimeoutMs: 4000 }));
    expect(error.message).toMatch(/did not answer `initialize` within 4 s.*standard output is not MCP/s);
    expectNoSecret(error);
    await waitUntil(() => !isRunning(pidIn(error.message)));
    expect(isRunning(pidIn(error.message))).toBe(false);
  });

  test.each(['silent', 'stubborn'])(
    'because it does not answer (%s) is ended before the error comes',
    async mode => {
      const error = await failureOf(connect(mode, { connectTimeoutMs: 4000 }));
      expect(error.message).toMatch(/did not answer `initialize` within 4 s/);
      expect(pidIn(error.message)).toBeGreaterThan(0);
      expect(isRunning(pidIn(error.message))).toBe(false);
      expectNoSecret(error);
    },
  );

  test('because it takes no input is not said to print something else', async () => {
    const error = await failureOf(connect('deaf', { connectTimeoutMs: 3000 }));
    expect(error).toBeInstanceOf(ServerUnavailableError);
    expect(error.message).not.toContain('is not MCP');
  });
});

describe('a name', () => {
  let configFile: string;

  beforeEach(() => {
    configFile = join(mkdtempSync(join(tmpdir(), 'mcp-await-name-')), 'servers.json');
    const { command, args } = serverIn('serve');
    const env = { FILLED: '$'.concat('{HOME:-none}') };
    writeFileSync(configFile, JSON.stringify({ mcpServers: { stdio: { command, args, env } } }));
  });

  afterEach(() => {
    rmSync(dirname(configFile), { recursive: true });
  });

  test('in an `mcpServers` file is connected to, its variables filled', async () => {
    const client = await AwaitClient.connect('stdio', { configFile });
    const { structuredContent } = await client.callTool({ name: 'environment' });
    expect(structuredContent).toMatchObject({ FILLED: process.env.HOME ?? 'none' });
    await client.close();
  });

  test('that the file does not hold is refused with the nearest one', async () => {
    const error = await failureOf(AwaitClient.connect('studio', { configFile }));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(/Did you mean `stdio`\?/);
  });
});

test('connecting can be aborted, and the command is ended', async () => {
  const controller = new AbortController();
  const failure = failureOf(connect('silent', { signal: controller.signal }));
  await new Promise(resolve => setTimeout(resolve, 50));
  controller.abort(new Error('enough'));
  const error = await failure;
  expect(error).toBeInstanceOf(AwaitAbortedError);
  expect(error.cause).toMatchObject({ message: 'enough' });
});

test('nothing is begun under a signal that has aborted', async () => {
  const failure = failureOf(connect('silent', { signal: AbortSignal.abort('before') }));
  expect(await failure).toMatchObject({ name: 'AwaitAbortedError', cause: 'before' });
});
