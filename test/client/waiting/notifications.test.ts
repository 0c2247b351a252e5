import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readNotification, TaskNotifications } from '../../../src/client/waiting/notifications.js';
import { awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import {
  completed,
  pairTools,
  startCall,
  started,
  TASK_REF,
  working,
} from '../../fixtures/client/scripted-pair.js';
import type { ScriptedServer } from '../../fixtures/client/scripted-server.js';

const POLL = 'resolve_task_status';
const notification = (method: string, params?: Record<string, unknown>) => ({
  jsonrpc: '2.0' as const,
  method,
  ...(params && { params }),
});

const tell = ({ server }: ScriptedServer, params: Record<string, unknown>) =>
  server.transport?.send(notification('notifications/tasks/status', params));

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('a notification', () => {
  test.each([
    ['notifications/tasks/status', { taskId: 't', status: 'completed' }, { topic: 't', status: 'completed' }],
    [
      'notifications/tasks',
      { taskId: 't', status: 'working', statusMessage: 'half' },
      { topic: 't', status: 'working', message: 'half' },
    ],
    ['notifications/resources/updated', { uri: 'job://1' }, { topic: 'job://1' }],
    ['notifications/resources/updated', { taskId: 't' }, undefined],
    ['notifications/tasks/status', undefined, undefined],
    ['notifications/tasks/status', { taskId: 7 }, undefined],
    ['notifications/tasks/status', { taskId: 'x'.repeat(2000) }, undefined],
    ['notifications/tasks/status', { taskId: 't', status: 3 }, { topic: 't' }],
    ['notifications/message', { taskId: 't' }, undefined],
  ])('%s with %j tells %j', (method, params, told) => {
    expect(readNotification(notification(method, params))).toEqual(told);
  });
});

describe('notifications of a task', () => {
  test('wake its wait: the end is known as soon as the server tells it', async () => {
    const { client, server, callTimes } = await awaitFixture(pairTools([working, completed]));
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(1500);
    await tell(server, { taskId: TASK_REF, status: 'completed' });
    await vi.advanceTimersByTimeAsync(0);
    expect((await result).structuredContent).toEqual({ answer: 42 });
    expect(callTimes(POLL)).toEqual([1000, 1500]);
  });

  test('that get lost cost one interval', async () => {
    const { client, callTimes } = await awaitFixture(pairTools([working, completed]));
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(3000);
    await result;
    expect(callTimes(POLL)).toEqual([1000, 3000]);
  });

  test('that come before the answer to the start are not missed', async () => {
    const { client, server, callTimes } = await awaitFixture(
      pairTools(completed, async request => {
        await tell(server, { taskId: TASK_REF, status: 'completed' });
        return started()(request);
      }),
    );
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(0);
    await result;
    expect(callTimes(POLL)).toEqual([0]);
  });

  test('that come while the state is asked for are heard after the answer', async () => {
    const { client, server, callTimes } = await awaitFixture(
      pairTools([
        async request => {
          const answer = await working(request);
          await tell(server, { taskId: TASK_REF, status: 'completed' });
          return answer;
        },
        completed,
      ]),
    );
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(1000);
    await result;
    expect(callTimes(POLL)).toEqual([1000, 1000]);
  });

  test('of work under way are shown and cost no request', async () => {
    const { client, server, callTimes } = await awaitFixture(pairTools([working, completed]));
    const messages: (string | undefined)[] = [];
    const onUpdate = ({ message }: { message?: string }) => void messages.push(message);
    const result = client.callTool(startCall, undefined, { onUpdate });
    await vi.advanceTimersByTimeAsync(1500);
    await tell(server, { taskId: TASK_REF, status: 'working', statusMessage: 'half of it' });
    await vi.advanceTimersByTimeAsync(1500);
    await result;
    expect(messages).toContain('half of it');
    expect(callTimes(POLL)).toEqual([1000, 3000]);
  });

  test('of another task wake nobody', async () => {
    const { client, server, callTimes } = await awaitFixture(pairTools([working, completed]));
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(1500);
    await tell(server, { taskId: 'task-2', status: 'completed' });
    await vi.advanceTimersByTimeAsync(1500);
    await result;
    expect(callTimes(POLL)).toEqual([1000, 3000]);
  });

  test('that prove empty make a flood of them no busy loop, and spend no attempts', async () => {
    const { client, server, callTimes } = await awaitFixture(pairTools(working), { maxAttempts: 3 });
    const failure = failureOf(client.callTool(startCall));
    for (let ms = 0; ms < 6500; ms += 10) {
      await vi.advanceTimersByTimeAsync(10);
      await tell(server, { taskId: TASK_REF, status: 'completed' });
    }
    // The first at once, then one a second.
    expect(callTimes(POLL).length).toBeLessThanOrEqual(8);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await failure).toMatchObject({ code: 'AWAIT_TIMEOUT', budget: 'attempts' });
  });
});

describe('notifications that nobody waits for', () => {
  test('are kept for who comes later, the latest and a limited number', () => {
    const notifications = new TaskNotifications();
    for (let index = 0; index < 1500; index++)
      notifications.tell({ topic: `t${index}`, status: 'completed' });
    notifications.tell({ topic: 't1499', status: 'failed' });
    const listener = { hear: vi.fn() };
    notifications.listen(['t0', 't1499'], listener);
    expect(listener.hear.mock.calls).toEqual([[{ topic: 't1499', status: 'failed' }]]);
  });

  test('are told once, and to nobody who has left', () => {
    const notifications = new TaskNotifications();
    const listener = { hear: vi.fn() };
    notifications.listen(['t'], listener);
    notifications.leave(['t'], listener);
    notifications.tell({ topic: 't' });
    expect(listener.hear).not.toHaveBeenCalled();
    for (let times = 0; times < 2; times++) {
      notifications.listen(['t'], listener);
      notifications.leave(['t'], listener);
    }
    expect(listener.hear).toHaveBeenCalledOnce();
  });
});

test('a long text is told to those who listen, and not kept for others', () => {
  const notifications = new TaskNotifications();
  const listener = { hear: vi.fn() };
  const long = { topic: 't', status: 'working', message: 'x'.repeat(1025) };
  notifications.tell(long);
  notifications.listen(['t'], listener);
  notifications.tell(long);
  expect(listener.hear.mock.calls).toEqual([[{ topic: 't', status: 'working' }], [long]]);
});
