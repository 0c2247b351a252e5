import {
  CallToolResultSchema,
  CancelTaskResultSchema,
  CreateTaskResultSchema,
  GetTaskResultSchema,
  ListTasksResultSchema,
  type Task,
  TaskStatusNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { defineOperation, OperationError } from '../../../src/server/operation.js';
import { type Caller, connectTools } from '../../fixtures/server/connected-tools.js';
import { echo, heldOperation } from '../../fixtures/server/test-operations.js';

const failing = defineOperation({
  name: 'failing',
  description: 'Fails.',
  input: z.object({}),
  run: () => Promise.reject(new OperationError('UPSTREAM_BUSY', 'Try later', { retryable: true })),
});

async function connect(principal = 'local') {
  const held = heldOperation();
  const tools = await connectTools([echo, failing, held.operation], { inlineWindowMs: 0, ttlSeconds: 600 });
  return { tools, held, ...nativeCalls(await tools.connect(principal)) };
}

function nativeCalls(caller: Caller) {
  const { client } = caller;
  const notices: Task[] = [];
  client.setNotificationHandler(TaskStatusNotificationSchema, ({ params }) => {
    notices.push(params);
  });
  return {
    ...caller,
    notices,
    start: async (name: string, args: object = {}, task: object = {}) => {
      const params = { name, arguments: { ...args }, task };
      return (await client.request({ method: 'tools/call', params }, CreateTaskResultSchema)).task;
    },
    get: (taskId: string) => client.request({ method: 'tasks/get', params: { taskId } }, GetTaskResultSchema),
    payload: (taskId: string) =>
      client.request({ method: 'tasks/result', params: { taskId } }, CallToolResultSchema),
    stop: (taskId: string) =>
      client.request({ method: 'tasks/cancel', params: { taskId } }, CancelTaskResultSchema),
  };
}

test('declares what it can do, and which tools can be tasks', async () => {
  const { client } = await connect();
  expect(client.getServerCapabilities()?.tasks).toEqual({
    cancel: {},
    list: {},
    requests: { tools: { call: {} } },
  });
  const { tools } = await client.listTools();
  const support = Object.fromEntries(tools.map(({ name, execution }) => [name, execution?.taskSupport]));
  expect(support).toMatchObject({ echo: 'optional', held: 'optional' });
  expect(support.initiate_background_task).toBeUndefined();
});

describe('a call as a task', () => {
  test('answers at once with the task, which ends with the result of the call', async () => {
    const { start, get, payload, held } = await connect();
    const task = await start('held');
    expect(task).toMatchObject({
      status: 'working',
      ttl: 600_000,
      pollInterval: expect.any(Number),
      createdAt: expect.any(String),
      lastUpdatedAt: expect.any(String),
    });
    const result = payload(task.taskId);
    held.release();
    expect(await result).toMatchObject({
      structuredContent: { result: 'released' },
      _meta: { 'io.modelcontextprotocol/related-task': { taskId: task.taskId } },
    });
    expect(await get(task.taskId)).toMatchObject({ taskId: task.taskId, status: 'completed' });
  });

  test('whose client only asks is answered at once, then in the moment of its end', async () => {
    const { start, get, held } = await connect();
    const { taskId } = await start('held');
    expect(await get(taskId)).toMatchObject({ status: 'working' });
    const known = get(taskId);
    held.release();
    expect(await known).toMatchObject({ status: 'completed' });
  });

  test('keeps the task as long as is asked, within the bounds of the server', async () => {
    const { start } = await connect();
    const asked = [120_000, 1, Number.MAX_SAFE_INTEGER];
    const kept = await Promise.all(asked.map(ttl => start('echo', { text: '' }, { ttl })));
    expect(kept.map(({ ttl }) => ttl)).toEqual([120_000, 60_000, 604_800_000]);
  });

  test('tells the error of a task that failed', async () => {
    const { start, payload, get } = await connect();
    const { taskId } = await start('failing');
    expect(await payload(taskId)).toMatchObject({
      isError: true,
      structuredContent: { status: 'failed', error: { code: 'UPSTREAM_BUSY', retryable: true } },
    });
    expect(await get(taskId)).toMatchObject({ status: 'failed', statusMessage: 'UPSTREAM_BUSY: Try later' });
  });

  test('is refused with the reason, and starts nothing, where the arguments do not fit', async () => {
    const { start, tools } = await connect();
    await expect(start('echo', { text: 1 })).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('do not fit the operation `echo`'),
      data: { code: 'INVALID_PARAMETERS' },
    });
    expect(await tools.engine.stats(60_000)).toEqual([]);
  });

  test('is refused by tools that cannot be tasks', async () => {
    const { start } = await connect();
    await expect(start('resolve_task_status', { task_ref: 'x' })).rejects.toMatchObject({ code: -32601 });
  });

  test('can be cancelled once', async () => {
    const { start, stop, payload, held } = await connect();
    const { taskId } = await start('held');
    await vi.waitUntil(() => held.runs.length === 1);
    expect(await stop(taskId)).toMatchObject({ taskId, status: 'cancelled' });
    await vi.waitUntil(() => held.runs[0]?.signal.aborted);
    await expect(stop(taskId)).rejects.toMatchObject({ code: -32602 });
    await expect(payload(taskId)).rejects.toMatchObject({ code: -32603 });
  });

  test('stops waiting for the result when the caller does, and the task goes on', async () => {
    const { client, start, get, held } = await connect();
    const { taskId } = await start('held');
    const given = new AbortController();
    const request = { method: 'tasks/result' as const, params: { taskId } };
    const result = client.request(request, CallToolResultSchema, { signal: given.signal });
    given.abort();
    await expect(result).rejects.toThrow();
    expect(await get(taskId)).toMatchObject({ status: 'working' });
    held.release();
  });

  test('exists for its owner only', async () => {
    const { tools, start, held } = await connect('one');
    const { taskId } = await start('held');
    const other = nativeCalls(await tools.connect('other'));
    for (const ask of [other.get, other.payload, other.stop]) {
      await expect(ask(taskId)).rejects.toMatchObject({ code: -32602, data: { code: 'TASK_NOT_FOUND' } });
    }
    held.release();
  });

  test('can be read by the pair, and a task of the pair as a native one', async () => {
    const { start, resolve, initiate, get, payload, held } = await connect();
    const { taskId } = await start('held');
    expect((await resolve(taskId)).data).toMatchObject({ task_ref: taskId });
    held.release();
    const { data } = await initiate('echo', { text: 'pair' });
    expect(await payload(data.task_ref)).toMatchObject({ structuredContent: { text: 'pair' } });
    expect(await get(data.task_ref)).toMatchObject({ status: 'completed' });
  });
});

describe('notifications/tasks/status', () => {
  test('comes to the session that started the task, through whichever door', async () => {
    const { start, initiate, client, notices, held } = await connect();
    const { taskId } = await start('held');
    const { data } = await initiate('held');
    const own = await client.callTool({ name: 'held', arguments: {} });
    held.release();
    await vi.waitUntil(() => notices.length === 3);
    const { task_ref } = own.structuredContent as { task_ref: string };
    expect(new Set(notices.map(notice => notice.taskId))).toEqual(new Set([taskId, data.task_ref, task_ref]));
    expect(notices.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
  });

  test('comes once to each session that has asked about the task, and to no other', async () => {
    const { tools, start, notices, held } = await connect();
    const { taskId } = await start('held');
    const asking = nativeCalls(await tools.connect());
    const silent = nativeCalls(await tools.connect());
    await asking.resolve(taskId);
    await asking.get(taskId);
    held.release();
    await vi.waitUntil(() => notices.length === 1 && asking.notices.length === 1);
    await silent.client.ping();
    expect([notices.length, asking.notices.length, silent.notices.length]).toEqual([1, 1, 0]);
  });

  test('comes for each of a thousand tasks, without a warning of Node', async () => {
    const warn = vi.fn();
    process.on('warning', warn);
    const { start, notices, held } = await connect();
    await Promise.all(Array.from({ length: 1000 }, () => start('held')));
    held.release();
    await vi.waitUntil(() => notices.length === 1000, { timeout: 20_000 });
    process.off('warning', warn);
    expect(warn).not.toHaveBeenCalled();
  });

  test('of a session that has gone disturbs nobody', async () => {
    const { tools, start, client, held } = await connect();
    const { taskId } = await start('held');
    await client.close();
    held.release();
    const other = nativeCalls(await tools.connect());
    expect(await other.payload(taskId)).toMatchObject({ structuredContent: { result: 'released' } });
  });
});

describe('a list of tasks', () => {
  test("has the caller's own, page by page, and nobody else's", async () => {
    const { tools } = await connect();
    const [ada, bob] = [nativeCalls(await tools.connect('ada')), nativeCalls(await tools.connect('bob'))];
    const started: string[] = [];
    for (let index = 0; index < 101; index++) started.push((await ada.start('echo', { text: 'a' })).taskId);
    const { taskId } = await bob.start('echo', { text: 'b' });
    const list = ({ client }: Caller, params: object = {}) =>
      client.request({ method: 'tasks/list', params }, ListTasksResultSchema);
    const first = await list(ada);
    expect(first.tasks).toHaveLength(100);
    const { tasks, ...rest } = await list(ada, { cursor: first.nextCursor });
    expect(rest).toEqual({});
    const all = [...first.tasks, ...tasks].map(task => task.taskId);
    expect(all.toSorted()).toEqual(started.toSorted());
    const own = await list(bob);
    expect(own).toEqual({ tasks: [expect.objectContaining({ taskId, pollInterval: expect.any(Number) })] });
    expect((await list(await tools.connect('eve'))).tasks).toEqual([]);
    await expect(list(ada, { cursor: 'mine' })).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('Leave it out to begin with the newest tasks.'),
    });
  });
});
