import { Client as NewClient, StreamableHTTPClientTransport as NewHttp } from '@modelcontextprotocol/client';
import { StdioClientTransport as NewStdio } from '@modelcontextprotocol/client/stdio';
import { expect, onTestFinished, test } from 'vitest';
import { AwaitClient } from '../../src/client/await-client.js';
import type { ConnectOptions } from '../../src/client/connect/connect.js';
import { BIN, ROOT } from '../cli/command.js';
import { TASKS } from '../server/revision-2026-07-28/modern-requests.js';
import { EVERYTHING, newHome, textOf } from './proxy-host.js';
import { startHttpProxy } from './proxy-http.js';

const everything = [process.execPath, EVERYTHING, 'stdio'] as const;
const long = { name: 'trigger-long-running-operation', arguments: { duration: 2, steps: 2 } };

async function connected(options: ConnectOptions = {}) {
  const { url } = await startHttpProxy({ everything });
  const client = await AwaitClient.connect(url, { initialIntervalMs: 100, ...options });
  onTestFinished(() => client.close());
  return client;
}

test('a host of 2026-07-28 that takes tasks gets one for any tool', async () => {
  const client = await connected();
  const explained = await client.explainTools();
  expect(explained.find(({ tool }) => tool === long.name)?.protocol).toBe('tasks-2026-07-28');
  const task = await client.startTool(long);
  expect(task.reference?.protocol).toBe('tasks-2026-07-28');
  expect(textOf(await task.result())).toContain('Long running operation completed');
  const failed = await client.callTool({ name: 'get-sum', arguments: { a: 'no number' } });
  expect(failed.isError).toBe(true);
  const cancelled = await client.startTool({ name: long.name, arguments: { duration: 60, steps: 1 } });
  await cancelled.cancel();
  expect((await cancelled.result()).structuredContent).toMatchObject({ status: 'cancelled' });
});

test('a later session of such a host finds what an earlier one did not fetch, by the tool that the instructions name', async () => {
  const { url } = await startHttpProxy({ everything });
  const connect = () => AwaitClient.connect(url, { initialIntervalMs: 100 });
  const first = await connect();
  const { reference } = await first.startTool(long);
  await first.close();
  const second = await connect();
  onTestFinished(() => second.close());
  expect(second.getInstructions()).toContain('await_task');
  const { tools } = await second.listTools();
  const awaiting = tools.find(({ name }) => name === 'await_task');
  expect(awaiting?._meta).toMatchObject({ 'anthropic/alwaysLoad': true });
  const listed = await second.callTool({ name: 'await_task', arguments: {} });
  const taskId = (reference?.handle as { taskId: string } | undefined)?.taskId;
  expect(listed.structuredContent).toMatchObject({ tasks: [{ reference: taskId, tool: long.name }] });
  const result = await second.callTool({ name: 'await_task', arguments: { reference: taskId } });
  expect(textOf(result)).toContain('Long running operation completed');
  const wrong = await second.callTool({ name: 'await_task', arguments: { reference: 'nobody-knows' } });
  expect(wrong.structuredContent).toMatchObject({ error: { code: 'TASK_NOT_FOUND' } });
});

test('it has resources, prompts and completions too', async () => {
  const client = await connected();
  const { resources } = await client.listResources();
  const uri = resources[0]?.uri ?? '';
  expect((await client.readResource({ uri })).contents[0]?.uri).toBe(uri);
  expect((await client.listPrompts()).prompts.map(({ name }) => name)).toContain('simple-prompt');
  expect((await client.getPrompt({ name: 'simple-prompt' })).messages.length).toBeGreaterThan(0);
  await expect(client.getPrompt({ name: 'nobody-has-this' })).rejects.toThrow('Unknown prompt');
});

test('what its servers ask is a question of the task', async () => {
  const asked: string[] = [];
  const client = await connected({
    onInput: ({ method, params }) => {
      asked.push(`${method}: ${params.message}`);
      return { action: 'decline' };
    },
  });
  const result = await client.callTool({ name: 'trigger-elicitation-request', arguments: {} });
  expect(textOf(result)).toContain('decline');
  expect(asked).toHaveLength(1);
});

test.each(['stdio', 'http'] as const)(
  'version 2 of the SDK, pinned to it, finds the proxy on %s',
  async door => {
    const client = new NewClient(
      { name: 'host', version: '1' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } }, capabilities: TASKS },
    );
    onTestFinished(() => client.close());
    const env = { ...(process.env as Record<string, string>), MCP_AWAIT_HOME: newHome() };
    const args = [BIN, 'proxy', '--', ...everything];
    await client.connect(
      door === 'stdio'
        ? new NewStdio({ command: process.execPath, args, env, cwd: ROOT })
        : new NewHttp(new URL((await startHttpProxy({ everything })).url)),
    );
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain(long.name);
  },
);
