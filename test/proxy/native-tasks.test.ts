import {
  CallToolResultSchema,
  CancelTaskResultSchema,
  CreateTaskResultSchema,
  GetTaskResultSchema,
  TaskStatusNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { expect, test, vi } from 'vitest';
import { BIN } from '../cli/command.js';
import { EVERYTHING, newHome, startHost, textOf } from './proxy-host.js';

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
