import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { openEngine } from '../../src/engine/open-engine.js';
import { defineOperation, operationsByName } from '../../src/server/operation.js';
import type { TaskLimitOptions } from '../../src/server/task-limits.js';
import { createTaskService } from '../../src/server/task-service.js';
import { resolveTaskStatus } from '../../src/server/tools/resolve-task-status.js';

const OPERATIONS = operationsByName([
  defineOperation({ name: 'work', description: 'Works.', input: z.object({}), run: async () => null }),
]);
const signal = new AbortController().signal;
const HOUR_MS = 3_600_000;

async function openService(options: TaskLimitOptions) {
  const engine = await openEngine('memory:');
  onTestFinished(() => engine.close());
  const webhooks = { isOpen: false, accept: (url: string) => url, announce: async () => {} };
  const tasks = createTaskService({ engine, operations: OPERATIONS, webhooks, ...options });
  const start = (owner: string) => tasks.initiate(owner, { operationType: 'work', parameters: {} });
  return { tasks, start };
}

test('a call beyond the share of its principal is answered at once', async () => {
  const { tasks, start } = await openService({ maxHeldCalls: 1 });
  const { taskRef } = await start('bob');
  const held = tasks.resolve('bob', taskRef, { waitMs: HOUR_MS, signal });
  await expect(tasks.resolve('bob', taskRef, { waitMs: HOUR_MS, signal })).resolves.toMatchObject({
    status: 'pending',
  });
  await tasks.cancel('bob', taskRef);
  await expect(held).resolves.toMatchObject({ status: 'cancelled' });
});

test('the oldest held call of whoever has most is answered early for another principal', async () => {
  const { tasks, start } = await openService({ maxHeldCalls: 2 });
  const { taskRef } = await start('bob');
  const hers = await start('alice');
  const first = tasks.resolve('bob', taskRef, { waitMs: HOUR_MS, signal });
  const second = tasks.resolve('bob', taskRef, { waitMs: HOUR_MS, signal });
  await new Promise(setImmediate);
  const alices = tasks.resolve('alice', hers.taskRef, { waitMs: HOUR_MS, signal });
  await expect(first).resolves.toMatchObject({ taskRef, status: 'pending' });
  await tasks.cancel('alice', hers.taskRef);
  await expect(alices).resolves.toMatchObject({ status: 'cancelled' });
  await tasks.cancel('bob', taskRef);
  await expect(second).resolves.toMatchObject({ status: 'cancelled' });
});

test('what must not be answered early fails with a code', async () => {
  const { tasks, start } = await openService({ maxHeldCalls: 1 });
  const { taskRef } = await start('bob');
  const held = tasks.hold('bob');
  const wait = { waitMs: HOUR_MS, signal, insists: true };
  await expect(tasks.resolve('bob', taskRef, wait)).rejects.toMatchObject({
    code: 'TOO_MANY_HELD_CALLS',
    retryable: true,
  });
  held?.release();
});

test('a call about many tasks is held as one', async () => {
  const { tasks, start } = await openService({ maxHeldCalls: 1 });
  const refs = (await Promise.all([start('bob'), start('bob')])).map(({ taskRef }) => taskRef);
  const call = () =>
    resolveTaskStatus(tasks).call({ task_refs: refs, wait_seconds: 20 }, { principal: 'bob', signal });
  const first = call();
  await new Promise(setImmediate);
  expect((await call()) as object).toMatchObject({
    structuredContent: { tasks: [{ status: 'pending', poll_after_ms: expect.any(Number) }, {}] },
  });
  await tasks.cancel('bob', refs[0] ?? '');
  expect((await first) as object).toMatchObject({
    structuredContent: { tasks: [{ status: 'cancelled' }, {}] },
  });
});

test('a server without tokens has one principal, and no limit of its tasks', async () => {
  const { start } = await openService({ maxUnfinishedPerPrincipal: 1 });
  for (let count = 0; count < 3; count++) await start('local');
});

test('a principal with as many tasks as it may have is refused, and no other', async () => {
  const { tasks, start } = await openService({ maxUnfinishedPerPrincipal: 1 });
  const { taskRef } = await start('bob');
  await expect(start('bob')).rejects.toMatchObject({
    code: 'TOO_MANY_TASKS',
    message: expect.stringMatching(/^You have 1 tasks .* cancel some, and send the call again\.$/),
    retryable: true,
  });
  await start('alice');
  await tasks.cancel('bob', taskRef);
  await start('bob');
});
