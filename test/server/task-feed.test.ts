import { expect, onTestFinished, test, vi } from 'vitest';
import { openEngine } from '../../src/engine/open-engine.js';
import type { TaskRecord } from '../../src/engine/task-record.js';
import { newTaskRef } from '../../src/engine/task-ref.js';
import { createTaskFeed, type TaskFeedOptions } from '../../src/server/task-feed.js';

async function open(options?: TaskFeedOptions) {
  const engine = await openEngine('memory:');
  const waitForChange = vi.fn(engine.waitForChange.bind(engine));
  const waitForEnd = engine.waitForEnd.bind(engine);
  const feed = createTaskFeed({ waitForChange, waitForEnd }, options);
  onTestFinished(async () => {
    feed.close();
    await engine.close();
  });
  const submit = async () => {
    const task = { taskRef: newTaskRef('work'), owner: 'one', operation: 'work', parameters: {} };
    return (await engine.submit({ ...task, slaMs: 1000, ttlMs: 60_000 })).record;
  };
  return { engine, feed, submit, waitForChange };
}

test('tells every listener of a task of its end, with one wait in the store', async () => {
  const { engine, feed, submit, waitForChange } = await open();
  const record = await submit();
  const told: TaskRecord[] = [];
  feed.watch(record, changed => told.push(changed));
  feed.watch(record, changed => told.push(changed));
  await engine.cancel(record.taskRef);
  await vi.waitUntil(() => told.length === 2);
  expect(told.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
  expect(waitForChange).toHaveBeenCalledOnce();
});

test('tells nobody who has stopped listening, and waits no longer', async () => {
  const { engine, feed, submit, waitForChange } = await open();
  const record = await submit();
  const told = vi.fn();
  feed.watch(record, told)();
  expect(waitForChange.mock.calls[0]?.[1].signal?.aborted).toBe(true);
  await engine.cancel(record.taskRef);
  await engine.waitForEnd(record.taskRef, { timeoutMs: 0 });
  expect(told).not.toHaveBeenCalled();
});

test('does not wait for what has ended', async () => {
  const { engine, feed, submit, waitForChange } = await open();
  const { taskRef } = await submit();
  const ended = await engine.cancel(taskRef);
  feed.watch(ended as TaskRecord, () => {});
  expect(waitForChange).not.toHaveBeenCalled();
});

test('goes on when the store was away', async () => {
  const { engine, feed, submit, waitForChange } = await open();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const record = await submit();
  waitForChange.mockRejectedValueOnce(new Error('away'));
  const told = vi.fn();
  feed.watch(record, told);
  await engine.cancel(record.taskRef);
  await vi.advanceTimersByTimeAsync(2000);
  expect(told).toHaveBeenCalledOnce();
});

test('watches no more tasks than it may', async () => {
  const { feed, submit, waitForChange } = await open({ maxTasks: 1 });
  const [first, second] = [await submit(), await submit()];
  const stop = feed.watch(first, () => {});
  feed.watch(second, () => {});
  expect(waitForChange).toHaveBeenCalledOnce();
  stop();
  feed.watch(second, () => {});
  expect(waitForChange).toHaveBeenCalledTimes(2);
});
