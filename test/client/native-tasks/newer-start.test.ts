import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { AwaitEvent } from '../../../src/client/events.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { connectNewer, startedTask } from '../../fixtures/client/newer-server.js';
import { type RawRequest, unanswered } from '../../fixtures/client/raw-server.js';
import { connectTaskServer, TASK_ID, taskIn, textResult } from '../../fixtures/client/task-server.js';

const call = { name: 'research' };
const result = textResult('forty-two');

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Answers after that many milliseconds, unless the request is taken back. */
const answering = (delayMs: number, answer: unknown) => (_request: RawRequest) =>
  new Promise(resolve => setTimeout(resolve, delayMs, answer));

async function awaiting(answer: unknown) {
  const events: AwaitEvent[] = [];
  const { client, server } = await connectNewer({
    'tools/call': [answer],
    'tasks/get': [taskIn('completed', { result })],
  });
  return { client: new AwaitClient(client, { onEvent: event => events.push(event) }), server, events };
}

describe('a call of which only the answer tells whether it is a task', () => {
  test('may take as long as any synchronous one', async () => {
    const { client } = await awaiting(answering(240_000, result));
    const answer = client.callTool(call);
    await vi.advanceTimersByTimeAsync(240_000);
    await expect(answer).resolves.toEqual(result);
  });

  test('gives a handle after some seconds, which has its reference once there is one', async () => {
    const { client } = await awaiting(answering(8000, startedTask));
    const starting = client.startTool(call);
    await vi.advanceTimersByTimeAsync(5000);
    const task = await starting;
    expect(task.reference).toBeUndefined();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(task.reference?.handle).toEqual({ taskId: TASK_ID });
    const answer = task.result();
    await vi.advanceTimersByTimeAsync(5000);
    await expect(answer).resolves.toEqual(result);
  });

  test('is taken back some seconds after its wait has ended', async () => {
    const { client, server } = await awaiting(unanswered);
    const controller = new AbortController();
    const failure = failureOf(client.callTool(call, undefined, { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(1000);
    controller.abort();
    expect(await failure).toMatchObject({ code: 'ABORTED' });
    await vi.advanceTimersByTimeAsync(4000);
    expect(server.count('notifications/cancelled')).toBe(0);
    await vi.advanceTimersByTimeAsync(2000);
    expect(server.count('notifications/cancelled')).toBe(1);
  });

  test('whose wait has ended tells of the task that it becomes in the meantime', async () => {
    const { client, server, events } = await awaiting(answering(3000, startedTask));
    const signal = AbortSignal.abort();
    const task = client.startTool(call);
    await vi.advanceTimersByTimeAsync(100);
    const failure = failureOf(client.callTool(call, undefined, { signal }));
    expect(await failure).toMatchObject({ code: 'ABORTED' });
    await vi.advanceTimersByTimeAsync(10_000);
    (await task).detach();
    expect(server.count('tools/call')).toBe(1);
    const late = new AbortController();
    const waiting = failureOf(client.callTool(call, undefined, { signal: late.signal }));
    await vi.advanceTimersByTimeAsync(1000);
    late.abort();
    await waiting;
    await vi.advanceTimersByTimeAsync(4000);
    expect(events.filter(({ type }) => type === 'task-orphaned')).toMatchObject([
      { reference: { handle: { taskId: TASK_ID } } },
    ]);
  });

  test('is cancelled before that by ending it, and a task that it still becomes is cancelled, too', async () => {
    const { client, server } = await awaiting(answering(8000, startedTask));
    const starting = client.startTool(call);
    await vi.advanceTimersByTimeAsync(5000);
    const task = await starting;
    const failure = failureOf(task.result());
    await task.cancel();
    expect(await failure).toMatchObject({ code: 'ABORTED' });
    await vi.advanceTimersByTimeAsync(4000);
    expect(server.requests('tasks/cancel')).toMatchObject([{ taskId: TASK_ID }]);
  });
});

describe('a native task of one generation', () => {
  const reference = (protocol: string) => ({
    version: 1 as const,
    protocol,
    tool: 'research',
    handle: { taskId: TASK_ID },
    startedAt: new Date().toISOString(),
  });

  test('is resumed in the newer one', async () => {
    const { client } = await awaiting(unanswered);
    const task = await client.resumeTask(reference('tasks-2025-11-25'));
    await expect(task.result()).resolves.toEqual(result);
    expect(task.protocol).toBe('tasks-2026-07-28');
  });

  test('is resumed in the older one', async () => {
    const { client } = await connectTaskServer({
      'tasks/get': [taskIn('completed')],
      'tasks/result': [result],
    });
    const task = await new AwaitClient(client).resumeTask(reference('tasks-2026-07-28'));
    await expect(task.result()).resolves.toEqual(result);
    expect(task.protocol).toBe('tasks-2025-11-25');
  });
});
