import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ConfigurationError, NotSupportedError, TaskNotFoundError } from '../../../src/errors.js';
import type { TaskReference } from '../../../src/types.js';
import { awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import {
  cancelled,
  completed,
  pairTools,
  startCall,
  statusError,
  working,
} from '../../fixtures/client/scripted-pair.js';

const POLL = 'resolve_task_status';

const reference: TaskReference = {
  version: 1,
  protocol: 'tool-pair',
  tool: 'initiate_background_task',
  handle: { pair: 'mcp-await', id: 'task-1' },
  startedAt: '2026-11-20T10:00:00.000Z',
};

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test('a task that one client started is awaited by another from the JSON of its reference', async () => {
  const first = await awaitFixture(pairTools(working));
  const task = await first.client.startTool(startCall);
  await first.client.close();
  const second = await awaitFixture(pairTools([working, completed]));
  const resumed = await second.client.resumeTask(JSON.parse(JSON.stringify(task.reference)));
  expect(resumed).toMatchObject({
    tool: task.tool,
    protocol: 'tool-pair',
    reference: task.reference,
    snapshot: { status: 'working', attempt: 0 },
  });
  const result = resumed.result();
  await vi.advanceTimersByTimeAsync(10_000);
  await expect(result).resolves.toMatchObject({ structuredContent: { answer: 42 } });
  expect(second.server.calls.map(call => call.tool)).toEqual([POLL, POLL]);
  expect(second.server.calls[0]?.arguments).toEqual({ task_ref: 'task-1' });
});

test('a resumed task is asked for at once, and again at the usual pace; its tools need not be listed', async () => {
  const { client, callTimes, server } = await awaitFixture(pairTools([working, working, completed]));
  const task = await client.resumeTask(reference);
  const result = task.result();
  await vi.advanceTimersByTimeAsync(10_000);
  await result;
  expect(callTimes(POLL)).toEqual([0, 2000, 6000]);
  expect(server.count('tools/list')).toBe(0);
});

test('a resumed task has options of its own', async () => {
  const { client } = await awaitFixture(pairTools(working));
  const onUpdate = vi.fn();
  const task = await client.resumeTask(reference, { deadlineMs: 500, onUpdate });
  const failure = failureOf(task.result());
  await vi.advanceTimersByTimeAsync(500);
  expect(await failure).toMatchObject({ budget: 'deadline', reference, snapshot: { attempt: 1 } });
  expect(onUpdate).toHaveBeenCalledOnce();
});

test('a resumed task can be cancelled', async () => {
  const { client } = await awaitFixture(pairTools(cancelled));
  const task = await client.resumeTask(reference);
  await task.cancel();
  await expect(task.result()).resolves.toMatchObject({ structuredContent: { status: 'cancelled' } });
});

test('an error of a resumed task can be resumed again', async () => {
  const { client } = await awaitFixture(pairTools([working, completed]));
  const task = await client.resumeTask(reference, { maxAttempts: 1 });
  const error = await failureOf(task.result());
  const again = await client.resumeTask(error.reference as TaskReference);
  await expect(again.result()).resolves.toMatchObject({ structuredContent: { answer: 42 } });
});

test('a task that the server does not know ends with TaskNotFoundError', async () => {
  const { client } = await awaitFixture(
    pairTools(statusError({ code: 'TASK_NOT_FOUND', message: 'gone', retryable: false })),
  );
  const task = await client.resumeTask(reference);
  const error = await failureOf(task.result());
  expect(error).toBeInstanceOf(TaskNotFoundError);
  expect(error).toMatchObject({ reference });
});

test.each<[string, unknown, RegExp]>([
  ['nothing', undefined, /no task reference/],
  ['a text', 'task-1', /no task reference/],
  ['an empty object', {}, /no task reference.*version/],
  ['a later version', { ...reference, version: 2 }, /no task reference.*version/],
  ['a reference without a tool', { ...reference, tool: undefined }, /no task reference.*tool/],
  [
    'a protocol of the future',
    { ...reference, protocol: 'telepathy' },
    /`telepathy`, which this version does not know/,
  ],
])('%s is refused as no usable reference', async (_what, bad, message) => {
  const { client, server } = await awaitFixture(pairTools(completed));
  const error = await failureOf(client.resumeTask(bad as TaskReference));
  expect(error).toBeInstanceOf(ConfigurationError);
  expect(error.message).toMatch(message);
  expect(error.message).not.toContain('\n');
  expect(server.calls).toEqual([]);
});

test('a reference whose handle makes no sense is a task that is not found', async () => {
  const { client } = await awaitFixture(pairTools(completed));
  const task = await client.resumeTask({ ...reference, handle: { pair: 'other', id: 1 } });
  expect(await failureOf(task.result())).toBeInstanceOf(TaskNotFoundError);
});

test('a synchronous call has nothing to resume', async () => {
  const { client } = await awaitFixture(pairTools(completed));
  const task = await client.resumeTask({ ...reference, protocol: 'sync' });
  expect(await failureOf(task.result())).toBeInstanceOf(NotSupportedError);
  expect(await failureOf(task.cancel())).toBeInstanceOf(NotSupportedError);
});
