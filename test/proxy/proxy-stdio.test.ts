import { join } from 'node:path';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { sleep } from '../../src/time/sleep.js';
import { callAsModel, EVERYTHING, newHome, serversFile, startHost, textOf } from './proxy-host.js';

const node = process.execPath;
const everything = [node, EVERYTHING, 'stdio'] as const;

/** A server with one tool, which says 200 times that its tools have changed. */
const CHANGING = `
  import { Server } from '@modelcontextprotocol/sdk/server/index.js';
  import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
  import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
  const server = new Server({ name: 'changing', version: '1' }, { capabilities: { tools: { listChanged: true } } });
  const tools = [{ name: 'change', inputSchema: { type: 'object' } }];
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
  server.setRequestHandler(CallToolRequestSchema, async () => {
    for (let count = 0; count < 200; count++) await server.sendToolListChanged();
    return { content: [] };
  });
  await server.connect(new StdioServerTransport());`;

test('a host that would time out gets the result of a long task by the one tool that the answer names', async () => {
  const { client } = await startHost(['--host-timeout', '2s'], newHome());
  const { tools } = await client.listTools();
  const names = tools.map(tool => tool.name);
  expect(tools.find(({ name }) => name === 'await_task')?._meta).toEqual({ 'anthropic/alwaysLoad': true });
  expect(names).toContain('sleep');
  expect(names).toContain('await_task');
  expect(names).not.toContain('resolve_task_status');
  const { answers, result } = await callAsModel(client, 'sleep', { seconds: 6 });
  expect(answers.length).toBeGreaterThan(1);
  expect(answers[0]?.structuredContent).toMatchObject({ status: 'working', tool: 'sleep' });
  expect(answers[0]?.isError).toBeUndefined();
  expect(client.getInstructions()).toContain('await_task');
  expect(client.getInstructions()).not.toContain('resolve_task_status');
  expect(result.structuredContent).toEqual({ slept_seconds: 6 });
});

test('a tool that blocks is awaited in the same way, and each progress tells more than the one before', async () => {
  const { client } = await startHost(['--host-timeout', '2s', '--', ...everything], newHome());
  const args = { duration: 5, steps: 5 };
  const { answers, result, progress } = await callAsModel(client, 'trigger-long-running-operation', args);
  expect(answers.length).toBeGreaterThan(1);
  expect(textOf(result)).toContain('Long running operation completed');
  expect(progress.length).toBeGreaterThan(2);
});

test('200 changes of a list in a burst reach the host as one or two', async () => {
  let heard = 0;
  const home = newHome();
  const { client } = await startHost(['--', node, '--input-type=module', '-e', CHANGING], home);
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard++);
  await client.callTool({ name: 'change', arguments: {} });
  await expect.poll(() => heard, { timeout: 10_000 }).toBeGreaterThan(0);
  await sleep(1500);
  expect(heard).toBeLessThanOrEqual(2);
});

test('without a limit the call is held to its end, and progress keeps the time-out of the host from firing', async () => {
  const { client } = await startHost(['--host-timeout', 'off', '--', ...everything], newHome());
  const told: number[] = [];
  const result = await client.callTool(
    { name: 'trigger-long-running-operation', arguments: { duration: 13, steps: 1 } },
    undefined,
    { timeout: 10_000, resetTimeoutOnProgress: true, onprogress: ({ progress }) => told.push(progress) },
  );
  expect(textOf(result)).toContain('Long running operation completed');
  expect(told.length).toBeGreaterThan(1);
  expect(told.every((each, index) => index === 0 || each > (told[index - 1] ?? 0))).toBe(true);
});

test('the same call twice is two tasks', async () => {
  const { client } = await startHost(['--host-timeout', '100ms'], newHome());
  const call = { name: 'sleep', arguments: { seconds: 30 } };
  const answers = await Promise.all([client.callTool(call), client.callTool(call)]);
  const references = answers.map(
    ({ structuredContent }) => (structuredContent as { reference: string }).reference,
  );
  expect(new Set(references).size).toBe(2);
  const listed = await client.callTool({ name: 'await_task', arguments: {} });
  expect((listed.structuredContent as { tasks: unknown[] }).tasks).toHaveLength(2);
});

test('several calls are awaited at once, and the first that ends is answered', async () => {
  const { client } = await startHost(['--host-timeout', '1s', '--', ...everything], newHome());
  const args = (duration: number) => ({ duration, steps: 1 });
  const name = 'trigger-long-running-operation';
  const started = await Promise.all(
    [60, 4].map(duration => client.callTool({ name, arguments: args(duration) })),
  );
  const references = started.map(
    ({ structuredContent }) => (structuredContent as { reference: string }).reference,
  );
  const { result } = await callAsModel(client, 'await_task', { references });
  expect(textOf(result)).toContain(`(${references[1]}) has ended`);
  expect(textOf(result)).toContain(`{"references":["${references[0]}"]}`);
  expect(JSON.stringify(result.content)).toContain('Long running operation completed');
});

test('a call that the host sends again under the same id is the same call', async () => {
  const { client } = await startHost(['--host-timeout', '1s', '--', ...everything], newHome());
  const call = (id: string, duration: number) =>
    client.callTool({
      name: 'trigger-long-running-operation',
      arguments: { duration, steps: 1 },
      _meta: { 'claudecode/toolUseId': `toolu_01AbCdEfGhIjKlMn${id}` },
    });
  const answers = await Promise.all([call('a', 30), call('a', 30), call('b', 30), call('a', 31)]);
  const [one, again, other, changed] = answers.map(
    ({ structuredContent }) => (structuredContent as { reference: string }).reference,
  );
  expect(again).toBe(one);
  expect(new Set([one, other, changed]).size).toBe(3);
});

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'a task goes on when its host is gone by %s, and its result is there for the next session',
  async signal => {
    const home = newHome();
    const words = ['--host-timeout', '20s', '--', ...everything];
    const first = await startHost(words, home);
    const lost = first.client.callTool({
      name: 'trigger-long-running-operation',
      arguments: { duration: 6, steps: 3 },
    });
    const told = new Promise(resolve => setTimeout(resolve, 1500));
    await Promise.race([lost, told]);
    process.kill(first.pid() ?? 0, signal);
    await expect(lost).rejects.toThrow();

    const { client } = await startHost(words, home);
    const { tools } = await client.listTools();
    expect(tools.find(({ name }) => name === 'await_task')?.description).toMatch(
      /earlier sessions .*`trigger-long-running-operation` \(\w+\): /,
    );
    const list = await client.callTool({ name: 'await_task', arguments: {} });
    const [task] = (list.structuredContent as { tasks: { reference: string; tool: string }[] }).tasks;
    expect(task?.tool).toBe('trigger-long-running-operation');
    const { result } = await callAsModel(client, 'await_task', { reference: task?.reference });
    expect(textOf(result)).toContain('Long running operation completed');
  },
);

test('an unknown reference is an error that says what to do', async () => {
  const { client } = await startHost(['--host-timeout', '2s'], newHome());
  const result = await client.callTool({ name: 'await_task', arguments: { reference: 'nobody-knows' } });
  expect(result.isError).toBe(true);
  expect(textOf(result)).toContain('without a reference');
});

test('several servers are one, names that two of them have get a prefix, and one that is not there disturbs nobody', async () => {
  const home = newHome();
  const file = serversFile(home, {
    one: everything,
    'the other': everything,
    broken: [node, '-e', 'process.exit(3)'],
    itself: [node, 'anything.js', 'proxy', '--config', join(home, 'mcp.json')],
    bundled: [node, new URL('../../bin/mcp-await.js', import.meta.url).pathname, 'serve'],
  });
  const host = await startHost(['--config', file], home);
  const names = (await host.client.listTools()).tools.map(tool => tool.name);
  expect(names).toContain('one_echo');
  expect(names).toContain('the_other_echo');
  expect(names).toContain('hash_tree');
  expect(names).not.toContain('echo');
  const result = await host.client.callTool({ name: 'the_other_echo', arguments: { message: 'hello' } });
  expect(textOf(result)).toBe('Echo: hello');
  expect(host.stderr()).toContain('The server broken cannot be used');
  expect(host.stderr()).toContain(`The server itself of ${file} is left out: it is this proxy itself.`);
  await expect(host.client.callTool({ name: 'gone', arguments: {} })).rejects.toThrow(
    /Not to be reached now.*broken/,
  );
});
