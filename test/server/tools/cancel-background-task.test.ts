import { expect, test, vi } from 'vitest';
import { connectTools } from '../../fixtures/server/connected-tools.js';
import { echo, heldOperation } from '../../fixtures/server/test-operations.js';

test('cancels a running task at once and aborts its signal; a second time changes nothing', async () => {
  const held = heldOperation();
  const { initiate, cancel } = await (await connectTools([held.operation])).connect();
  const taskRef = (await initiate('held')).data.task_ref;
  await vi.waitFor(() => expect(held.runs).toHaveLength(1));
  const { refused, data } = await cancel(taskRef);
  expect(refused).toBe(false);
  expect(data).toMatchObject({
    task_ref: taskRef,
    status: 'cancelled',
    result: null,
    error: { code: 'CANCELLED', retryable: false },
  });
  expect(data).not.toHaveProperty('poll_after_ms');
  expect(held.runs[0]?.signal.aborted).toBe(true);
  expect((await cancel(taskRef)).data).toEqual(data);
});

test('a queued task that is cancelled never runs', async () => {
  const held = heldOperation();
  const { initiate, cancel, resolve } = await (
    await connectTools([held.operation], { concurrency: 1 })
  ).connect();
  const first = (await initiate('held')).data.task_ref;
  const second = (await initiate('held')).data.task_ref;
  await vi.waitFor(() => expect(held.runs).toHaveLength(1));
  expect((await cancel(second)).data.status).toBe('cancelled');
  held.release();
  expect((await resolve(first, 5)).data.status).toBe('completed');
  expect(held.runs).toHaveLength(1);
});

test('a task that has ended stays as it is', async () => {
  const { initiate, cancel, resolve } = await (await connectTools([echo])).connect();
  const taskRef = (await initiate('echo', { text: 'a' })).data.task_ref;
  const { data } = await resolve(taskRef, 5);
  expect((await cancel(taskRef)).data).toEqual(data);
  expect(data).toMatchObject({ status: 'completed', result: { text: 'a' } });
});

test('refuses an unknown reference', async () => {
  const { cancel } = await (await connectTools([echo])).connect();
  expect(await cancel('task_x')).toMatchObject({
    refused: true,
    data: { error: { code: 'TASK_NOT_FOUND' } },
  });
});
