import { ErrorCode, McpError, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { ServerUnavailableError } from '../../../src/errors.js';
import { awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import { completed, pairTools, startCall } from '../../fixtures/client/scripted-pair.js';
import { text } from '../../fixtures/client/scripted-server.js';

const START = 'initiate_background_task';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const tools = { greet: text('hello'), ...pairTools(completed) };
const names = (list: { tools: { name: string }[] }) => list.tools.map(tool => tool.name);

describe('listTools', () => {
  test('leaves out the status and cancel tools and says that the start tool waits', async () => {
    const { client } = await awaitFixture(tools, {
      definitions: {
        greet: { description: 'Greets.', annotations: { readOnlyHint: true } },
        [START]: { description: 'Starts a job.', outputSchema: { type: 'object' } },
      },
    });
    const list = await client.listTools();
    expect(list.tools).toEqual([
      {
        name: 'greet',
        description: 'Greets.',
        annotations: { readOnlyHint: true },
        inputSchema: { type: 'object' },
      },
      {
        name: START,
        description: expect.stringMatching(/^Starts a job\.\n\nThis call waits for the task/),
        inputSchema: { type: 'object' },
      },
    ]);
  });

  test('of a server without a pair is the very list of the SDK', async () => {
    const { client, server } = await awaitFixture({ greet: text('hi'), resolve_task_status: text('ok') });
    expect(await client.listTools()).toEqual(await server.client.listTools());
  });

  test('gives page for page, and hides a tool also where its pair is on another page', async () => {
    const { client } = await awaitFixture(tools, { pageSize: 1 });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.listTools(cursor === undefined ? undefined : { cursor });
      seen.push(...names(page));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(['greet', START]);
  });

  test('plans with all pages', async () => {
    const { client } = await awaitFixture(tools, { pageSize: 1 });
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(1000);
    await expect(result).resolves.toMatchObject({ structuredContent: { answer: 42 } });
  });

  test('throws what the server answers', async () => {
    const { client } = await awaitFixture(tools, {
      beforeListing: () => Promise.reject(new McpError(ErrorCode.InternalError, 'not today')),
    });
    expect(await failureOf(client.listTools())).toBeInstanceOf(McpError);
  });
});

describe('a list that cannot be had', () => {
  test('in time means that the tool was not called', async () => {
    const { client, server } = await awaitFixture(tools, { beforeListing: () => new Promise(() => {}) });
    const failure = failureOf(client.callTool({ name: 'greet' }));
    await vi.advanceTimersByTimeAsync(30_000);
    const error = await failure;
    expect(error).toBeInstanceOf(ServerUnavailableError);
    expect(error.message).toMatch(/`greet` was not called/);
    expect(server.calls).toEqual([]);
  });

  test('once is asked for again by the next call', async () => {
    let broken = true;
    const { client } = await awaitFixture(tools, {
      beforeListing: () => (broken ? new Promise(() => {}) : undefined),
    });
    const failure = failureOf(client.callTool({ name: 'greet' }));
    await vi.advanceTimersByTimeAsync(30_000);
    await failure;
    broken = false;
    await expect(client.callTool({ name: 'greet' })).resolves.toMatchObject({ content: [{ text: 'hello' }] });
  });
});

describe('when the server says that its tools have changed', () => {
  async function changing() {
    const fixture = await awaitFixture({ greet: text('hello'), [START]: text('plain') });
    await fixture.client.listTools();
    return fixture;
  }

  test('the next call is planned anew', async () => {
    const { client, server } = await changing();
    await expect(client.callTool(startCall)).resolves.toMatchObject({ content: [{ text: 'plain' }] });
    for (const [name, script] of Object.entries(pairTools(completed))) server.addTool(name, script);
    await server.server.sendToolListChanged();
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(1000);
    await expect(result).resolves.toMatchObject({ structuredContent: { answer: 42 } });
    expect(names(await client.listTools())).toEqual(['greet', START]);
  });

  test.each(['before', 'after'])(
    "the user's own handler, set %s this client was made, still hears of it",
    async when => {
      const { server } = await changing();
      const heard = vi.fn();
      if (when === 'before') server.client.setNotificationHandler(ToolListChangedNotificationSchema, heard);
      const client = new AwaitClient(server.client);
      if (when === 'after') client.setNotificationHandler(ToolListChangedNotificationSchema, heard);
      await client.callTool({ name: 'greet' });
      const listed = server.count('tools/list');
      await server.server.sendToolListChanged();
      await vi.advanceTimersByTimeAsync(0);
      expect(heard).toHaveBeenCalledOnce();
      await client.callTool({ name: 'greet' });
      expect(server.count('tools/list')).toBe(listed + 1);
    },
  );

  test('two clients over one SDK client both hear of it', async () => {
    const { client, server } = await changing();
    const second = new AwaitClient(server.client);
    await second.callTool({ name: 'greet' });
    await client.callTool({ name: 'greet' });
    const listed = server.count('tools/list');
    await server.server.sendToolListChanged();
    await second.callTool({ name: 'greet' });
    await client.callTool({ name: 'greet' });
    expect(server.count('tools/list')).toBe(listed + 2);
  });
});

test('explainTools says of every tool how it is awaited, why, and whether it is hidden', async () => {
  const { client } = await awaitFixture(tools);
  const explained = await client.explainTools();
  expect(explained.map(({ tool, protocol, hidden }) => [tool, protocol, hidden])).toEqual([
    ['greet', 'sync', false],
    [START, 'tool-pair', false],
    ['resolve_task_status', 'sync', true],
    ['cancel_background_task', 'sync', true],
  ]);
  for (const { why, definition, tool } of explained) {
    expect(why).not.toBe('');
    expect(definition.name).toBe(tool);
  }
});
