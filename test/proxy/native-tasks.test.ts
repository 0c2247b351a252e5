import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  CallToolResultSchema,
  CancelTaskResultSchema,
  CreateTaskResultSchema,
  GetTaskResultSchema,
  ListTasksResultSchema,
  TaskStatusNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { expect, test, vi } from 'vitest';
import { BIN } from '../cli/command.js';
import { EVERYTHING, newHome, startHost, textOf } from './proxy-host.js';
import { startHttpProxy } from './proxy-http.js';

const everything = [process.execPath, EVERYTHING, 'stdio'] as const;
const long = { name: 'trigger-long-running-operation', arguments: { duration: 2, steps: 2 } };

test('a host that speaks tasks of 2025-11-25 gets one for any tool, blocking ones too', async () => {
  const { client } = await startHost(['--', ...everything], newHome());
  const told: string[] = [];
  client.setNotificationHandler(TaskStatusNotificationSchema, ({ params }) => {
    told.push(params.status);
  });
  const params = { ...long, task: { ttl: 60_000 } };
  const { task } = await client.request({ method: 'tools/call', params }, CreateTaskResultSchema);
  expect(task.status).toBe('working');
  const { taskId } = task;
  const result = await client.request({ method: 'tasks/result', params: { taskId } }, CallToolResultSchema);
  expect(textOf(result)).toContain('Long running operation completed');
  const ended = await client.request({ method: 'tasks/get', params: { taskId } }, GetTaskResultSchema);
  expect(ended.status).toBe('completed');
  await vi.waitFor(() => expect(told).toContain('completed'));
});

test('a task that the host cancels is cancelled, and a second time it is not', async () => {
  const { client } = await startHost(['--', ...everything], newHome());
  const params = { name: long.name, arguments: { duration: 60, steps: 2 }, task: {} };
  const { task } = await client.request({ method: 'tools/call', params }, CreateTaskResultSchema);
  const cancel = () =>
    client.request({ method: 'tasks/cancel', params: { taskId: task.taskId } }, CancelTaskResultSchema);
  expect((await cancel()).status).toBe('cancelled');
  await expect(cancel()).rejects.toMatchObject({ code: -32602 });
});

test('a task is there for another session, and after the process that started it', async () => {
  const home = newHome();
  const first = await startHost(['--', process.execPath, BIN, 'serve'], home);
  const params = { name: 'sleep', arguments: { seconds: 3 }, task: {} };
  const { task } = await first.client.request({ method: 'tools/call', params }, CreateTaskResultSchema);
  await first.client.close();
  const { client } = await startHost(['--', process.execPath, BIN, 'serve'], home);
  const result = await client.request(
    { method: 'tasks/result', params: { taskId: task.taskId } },
    CallToolResultSchema,
  );
  expect(result.structuredContent).toEqual({ slept_seconds: 3 });
});

const sleepFor = (seconds: number) => ({ name: 'sleep', arguments: { seconds }, task: {} });
const started = async (client: Client, seconds: number) =>
  (await client.request({ method: 'tools/call', params: sleepFor(seconds) }, CreateTaskResultSchema)).task
    .taskId;
const listed = async (client: Client, params: object = {}) => {
  const { tasks } = await client.request({ method: 'tasks/list', params }, ListTasksResultSchema);
  return tasks.map(({ taskId, status }) => [taskId, status]);
};

test('a host lists its tasks, the newest first, also those of an earlier process', async () => {
  const home = newHome();
  const serve = ['--', process.execPath, BIN, 'serve'];
  const first = await startHost(serve, home);
  expect(first.client.getServerCapabilities()?.tasks).toMatchObject({ list: {}, cancel: {} });
  const [short, long] = [await started(first.client, 0), await started(first.client, 60)];
  await vi.waitFor(
    async () =>
      expect(await listed(first.client)).toEqual([
        [long, 'working'],
        [short, 'completed'],
      ]),
    10_000,
  );
  await first.client.close();
  const { client } = await startHost(serve, home);
  expect(await listed(client)).toEqual([
    [long, 'working'],
    [short, 'completed'],
  ]);
  await client.request({ method: 'tasks/cancel', params: { taskId: long } }, CancelTaskResultSchema);
  expect(await listed(client)).toContainEqual([long, 'cancelled']);
  await expect(listed(client, { cursor: 'mine' })).rejects.toMatchObject({ code: -32602 });
});

test('a host over HTTP lists the tasks of its token, and none where all callers are one', async () => {
  const serve = { work: [process.execPath, BIN, 'serve'] };
  const [ada, bob] = ['ada-token-0123456789', 'bob-token-0123456789'];
  const proxy = await startHttpProxy(serve, { http: { tokens: [`ada=${ada}`, `bob=${bob}`] } });
  const client = await proxy.connect({}, ada);
  const taskId = await started(client, 0);
  expect(await listed(client)).toEqual([[taskId, expect.any(String)]]);
  expect(await listed(await proxy.connect({}, bob))).toEqual([]);
  const open = await (await startHttpProxy(serve)).connect();
  expect(open.getServerCapabilities()?.tasks).not.toHaveProperty('list');
  await expect(open.request({ method: 'tasks/list' }, ListTasksResultSchema)).rejects.toMatchObject({
    code: -32601,
  });
});
