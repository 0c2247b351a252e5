import type { ServerCapabilities } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { connectRaw } from '../../fixtures/client/raw-server.js';

const REFUSAL = "Tool slow requires task augmentation (taskSupport: 'required')";
const done = { content: [{ type: 'text', text: 'done' }] };
const refusals: Record<string, () => unknown> = {
  'an error': () => {
    throw { code: -32601, message: REFUSAL };
  },
  'other words': () => {
    throw { code: -32600, message: 'This tool must be called as a task' };
  },
  'a result of the SDK’s server': () => ({
    isError: true,
    content: [{ type: 'text', text: `MCP error -32601: ${REFUSAL}` }],
  }),
};

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A server whose tool runs as a task only. */
async function taskServer(
  refuse: () => unknown,
  { capabilities = { tools: {} }, execution }: { capabilities?: ServerCapabilities; execution?: object } = {},
) {
  const task = { taskId: 'task-1', ttl: 60_000, createdAt: '', lastUpdatedAt: '' };
  let polls = 0;
  const { client: sdkClient, server } = await connectRaw(
    ({ method, params }) => {
      if (method === 'tools/list')
        return {
          tools: [{ name: 'slow', inputSchema: { type: 'object' }, ...(execution && { execution }) }],
        };
      if (method === 'tools/call')
        return params.task === undefined ? refuse() : { task: { ...task, status: 'working' } };
      if (method === 'tasks/get') return { ...task, status: polls++ === 0 ? 'working' : 'completed' };
      if (method === 'tasks/result') return done;
      throw { code: -32601, message: 'Method not found' };
    },
    { capabilities },
  );
  const client = new AwaitClient(sdkClient, { jitter: 0 });
  const call = async () => {
    const result = client.callTool({ name: 'slow' });
    result.catch(() => {});
    await vi.advanceTimersByTimeAsync(60_000);
    return result;
  };
  return { client, server, call };
}

describe('a tool that requires a task', () => {
  test.each<[string, ServerCapabilities]>([
    ['nothing', { tools: {} }],
    ['tasks without requests', { tools: {}, tasks: {} }],
    ['tasks that can be listed and cancelled', { tools: {}, tasks: { list: {}, cancel: {} } }],
    ['tasks of other requests', { tools: {}, tasks: { requests: {} } }],
    ['no tools either', {}],
  ])('is called as one where the server declares %s', async (_what, capabilities) => {
    const { client, server, call } = await taskServer(refusals['an error'] as () => unknown, {
      capabilities,
      execution: { taskSupport: 'required' },
    });
    expect(await call()).toEqual(done);
    expect(server.count('tools/call')).toBe(1);
    expect(await client.explainTools()).toMatchObject([{ protocol: 'tasks-2025-11-25' }]);
  });

  test.each(Object.entries(refusals))(
    'is called as one after it was refused with %s',
    async (_what, refuse) => {
      const { server, call } = await taskServer(refuse);
      expect(await call()).toEqual(done);
      expect(server.count('tools/call')).toBe(2);
      // The server has said it once.
      expect(await call()).toEqual(done);
      expect(server.count('tools/call')).toBe(3);
    },
  );

  test('has a reference to come back with', async () => {
    const { client } = await taskServer(refusals['an error'] as () => unknown);
    const task = await client.startTool({ name: 'slow' });
    await vi.advanceTimersByTimeAsync(10);
    expect(task.reference).toMatchObject({ protocol: 'tasks-2025-11-25', handle: { taskId: 'task-1' } });
    expect(task.protocol).toBe('tasks-2025-11-25');
    task.detach();
  });
});

test.each([
  ['an error that speaks of no task', -32601, 'Method not found'],
  ['an error about some other task', -32602, 'The task list is required'],
])('%s is not sent again', async (_what, code, message) => {
  const { client, server } = await taskServer(() => {
    throw { code, message };
  });
  const error = await failureOf(client.callTool({ name: 'slow' }));
  expect(error.message).toContain(message);
  expect(server.count('tools/call')).toBe(1);
});
