import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { AwaitClient } from '../../src/client/await-client.js';
import type { ConnectOptions } from '../../src/client/connect/connect.js';
import { NotSupportedError, TaskNotFoundError } from '../../src/errors.js';

const ENTRY = fileURLToPath(import.meta.resolve('@mako10k/mcp-shell-server'));

const clients: AwaitClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function connect(options?: ConnectOptions): Promise<AwaitClient> {
  const cwd = mkdtempSync(join(tmpdir(), 'shell-server-'));
  const env = {
    MCP_SHELL_ENHANCED_MODE: 'false',
    MCP_SHELL_LLM_EVALUATION: 'false',
    MCP_SHELL_SKIP_SAFE_COMMANDS: 'true',
    MCP_SHELL_DEFAULT_WORKDIR: cwd,
    MCP_SHELL_ALLOWED_WORKDIRS: cwd,
  };
  const client = await AwaitClient.connect(
    { command: process.execPath, args: [ENTRY], env, cwd },
    { initialIntervalMs: 50, maxIntervalMs: 200, ...options },
  );
  clients.push(client);
  return client;
}

const background = (command: string) => ({
  name: 'shell_execute',
  arguments: { command, execution_mode: 'background' },
});

test('a background command that succeeds gives its output, in one call', async () => {
  const client = await connect();
  const result = await client.callTool(background('sleep 0.3; echo from the shell'));
  expect(result.isError).toBeUndefined();
  expect(JSON.stringify(result)).toContain('from the shell');
});

test('one that exits with 3 is an error, although its status is `completed`', async () => {
  const client = await connect();
  const result = await client.callTool(background('echo no rule >&2; sleep 0.3; exit 3'));
  expect(result.isError).toBe(true);
  expect(JSON.stringify(result)).toMatch(/exit_code\\": 3/);
  expect(JSON.stringify(result)).toContain('no rule');
});

test('one that nobody wants any more can be left, not cancelled: the server has no tool for that', async () => {
  const client = await connect();
  const task = await client.startTool(background('sleep 2'));
  await expect(task.cancel()).rejects.toThrow(NotSupportedError);
  task.detach();
  const resumed = await client.resumeTask(JSON.parse(JSON.stringify(task.reference)));
  expect((await resumed.result()).isError).toBeUndefined();
});

test('a command in the foreground answers by itself, and its exit code counts, too', async () => {
  const client = await connect();
  const result = await client.callTool({
    name: 'shell_execute',
    arguments: { command: 'echo at once; exit 4', execution_mode: 'foreground' },
  });
  expect(JSON.stringify(result)).toMatch(/at once.*exit_code\\": 4/);
  expect(result.isError).toBe(true);
});

test('an execution that it does not know is told as such', async () => {
  const client = await connect();
  const reference = {
    version: 1 as const,
    protocol: 'tool-pair',
    tool: 'shell_execute',
    handle: { pair: 'mako10k-shell', ids: ['nope'] },
    startedAt: new Date().toISOString(),
  };
  await expect((await client.resumeTask(reference)).result()).rejects.toThrow(TaskNotFoundError);
});

test('its profile is used by itself, and an agent sees neither status nor result tool', async () => {
  const client = await connect();
  const rows = await client.explainTools();
  expect(rows.find(({ tool }) => tool === 'shell_execute')?.why).toContain('profile `mako10k-shell`');
  expect(rows.flatMap(({ tool, hidden }) => (hidden ? [tool] : []))).toEqual([
    'process_get_execution',
    'read_execution_output',
  ]);
});
