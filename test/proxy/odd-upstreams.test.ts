import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, test, vi } from 'vitest';
import { newHome, textOf } from './proxy-host.js';
import { startHttpProxy } from './proxy-http.js';

const ODD = fileURLToPath(new URL('../fixtures/proxy/odd-upstream.mjs', import.meta.url));
const within = { timeout: 20_000, interval: 50 };

async function oddProxy() {
  const file = join(newHome(), 'heard');
  writeFileSync(file, '');
  const proxy = await startHttpProxy({ odd: [process.execPath, ODD, file] });
  return { ...proxy, heard: () => readFileSync(file, 'utf8') };
}

test('tools that a server gains later are told and can be called', async () => {
  const { connect } = await oddProxy();
  const client = await connect();
  const changed = vi.fn();
  client.setNotificationHandler(ToolListChangedNotificationSchema, changed);
  await client.callTool({ name: 'grow', arguments: {} });
  await vi.waitFor(() => expect(changed).toHaveBeenCalled(), within);
  expect((await client.listTools()).tools.map(tool => tool.name)).toContain('grown');
  expect(textOf(await client.callTool({ name: 'grown', arguments: {} }))).toBe('new');
});

test('a server that dies fails its call with a sentence, and serves again', async () => {
  const { connect } = await oddProxy();
  const client = await connect();
  const before = textOf(await client.callTool({ name: 'say', arguments: {} }));
  const died = await client.callTool({ name: 'die', arguments: {} });
  expect(died.isError).toBe(true);
  expect(textOf(died)).toMatch(/^OUTCOME_UNKNOWN: /);
  const after = textOf(await client.callTool({ name: 'say', arguments: {} }));
  expect(after).toMatch(/^pid \d+$/);
  expect(after).not.toBe(before);
});

test('garbage between messages disturbs nothing, and a result that is none is an error', async () => {
  const { connect } = await oddProxy();
  const client = await connect();
  expect(textOf(await client.callTool({ name: 'garbage', arguments: {} }))).toBe('after garbage');
  const outcome = await client.callTool({ name: 'nonsense', arguments: {} }).catch(error => error);
  expect(outcome instanceof Error || outcome.isError === true).toBe(true);
  expect(textOf(await client.callTool({ name: 'say', arguments: {} }))).toMatch(/^pid/);
});

test("a server's refusal keeps its code, its words and its data", async () => {
  const { connect } = await oddProxy();
  const client = await connect();
  await expect(client.callTool({ name: 'refuse', arguments: {} })).rejects.toMatchObject({
    code: -32042,
    message: 'MCP error -32042: Not for you',
    data: { why: 'so' },
  });
});

test('a call that the host cancels is cancelled in the server', async () => {
  const { connect, heard } = await oddProxy();
  const client = await connect();
  const abort = new AbortController();
  const call = client.callTool({ name: 'wait', arguments: {} }, undefined, { signal: abort.signal });
  await vi.waitFor(() => expect(heard()).toBe('called\n'), within);
  abort.abort('The person has thought again');
  await expect(call).rejects.toThrow();
  await vi.waitFor(() => expect(heard()).toBe('called\ncancelled\n'), within);
});

test('a call whose host runs out of time goes on, and is there to go on with', async () => {
  const { connect, heard } = await oddProxy();
  const client = await connect();
  const call = client.callTool({ name: 'wait', arguments: {} }, undefined, { timeout: 1500 });
  await expect(call).rejects.toThrow('timed out');
  const list = await client.callTool({ name: 'await_task', arguments: {} });
  expect(list.structuredContent).toMatchObject({ tasks: [{ tool: 'wait', status: 'working' }] });
  expect(heard()).toBe('called\n');
});

test('callers with different tokens do not see each other', async () => {
  const tokens = ['one=0123456789abcdef', 'two=fedcba9876543210'];
  const { connect } = await startHttpProxy(
    { odd: [process.execPath, ODD, join(newHome(), 'heard')] },
    { http: { tokens }, hostTimeoutMs: 200 },
  );
  await expect(connect({})).rejects.toThrow();
  const one = await connect({}, '0123456789abcdef');
  const two = await connect({}, 'fedcba9876543210');
  const started = await one.callTool({ name: 'wait', arguments: {} });
  const { reference } = started.structuredContent as { reference: string };
  const list = await two.callTool({ name: 'await_task', arguments: {} });
  expect(list.structuredContent).toEqual({ tasks: [] });
  const stolen = await two.callTool({ name: 'await_task', arguments: { reference } });
  expect(stolen.structuredContent).toMatchObject({ error: { code: 'TASK_NOT_FOUND' } });
  const own = await one.callTool({ name: 'await_task', arguments: { reference } });
  expect(own.structuredContent).toMatchObject({ reference, status: 'working' });
});

test('an address that others reach needs a token', async () => {
  await expect(
    startHttpProxy({ odd: [process.execPath, ODD] }, { http: { host: '0.0.0.0' } }),
  ).rejects.toThrow('token');
});

test('a server that says nothing holds up neither the session for long nor any call', async () => {
  const silent = fileURLToPath(new URL('../fixtures/client/stdio-server.mjs', import.meta.url));
  const { connect } = await startHttpProxy({
    odd: [process.execPath, ODD, join(newHome(), 'heard')],
    silent: [process.execPath, silent, 'silent'],
  });
  const client = await connect();
  // Each would wait for the silent one, and all of them together for longer than the test may take.
  for (let count = 0; count < 10; count++)
    expect(textOf(await client.callTool({ name: 'say', arguments: {} }))).toMatch(/^pid/);
});
