import { expect, test } from 'vitest';
import { SubmittedTasks } from '../../src/engine/submitted-tasks.js';
import { TooManyTasksError } from '../../src/engine/task-errors.js';
import { newStoredTask, type TaskRecord } from '../../src/engine/task-record.js';
import { newDeferred } from '../../src/time/deferred.js';
import { newTask, OPERATION } from './scripted.js';

function setUp() {
  const stored = new Map<string, TaskRecord>();
  const looked: string[] = [];
  const submitted = new SubmittedTasks({
    look: async taskRefs => {
      looked.push(...taskRefs);
      return new Map(taskRefs.flatMap(taskRef => [[taskRef, stored.get(taskRef)]] as never));
    },
    findByKey: async ({ owner, idempotencyKey }) =>
      idempotencyKey === undefined ? undefined : [...stored.values()].find(record => record.owner === owner),
  });
  const submit = async (overrides: Parameters<typeof newTask>[0] = {}, created = true) => {
    const task = newTask({ owner: 'bob', ...overrides });
    const { record } = newStoredTask(task, Date.now());
    await submitted.submit(task, async () => {
      if (created) stored.set(task.taskRef, record);
      return { record, created };
    });
    return task.taskRef;
  };
  const end = (taskRef: string) => {
    const record = stored.get(taskRef);
    if (record !== undefined) stored.set(taskRef, { ...record, status: 'completed' });
  };
  return { submitted, submit, end, stored, looked };
}

test('at the limit, tasks of whose end nobody has heard count no more', async () => {
  const { submit, end, looked } = setUp();
  const tasks = [await submit(), await submit(), await submit(), await submit()];
  tasks.slice(1, 3).forEach(end);
  await submit({ maxUnfinished: 4 });
  expect(looked).toHaveLength(4);
  await submit({ maxUnfinished: 4 });
  // And nobody looks again and again for a caller that only tries.
  await expect(submit({ maxUnfinished: 4 })).rejects.toThrow(TooManyTasksError);
  expect(looked).toHaveLength(4);
  await submit({ maxUnfinished: 4, owner: 'alice' });
});

test('beyond the limit, only the task of a key is answered', async () => {
  const { submitted, submit, stored } = setUp();
  const first = await submit();
  const again = newTask({ owner: 'bob', maxUnfinished: 1, idempotencyKey: 'again' });
  const insert = () => expect.unreachable('It was inserted.');
  expect(await submitted.submit(again, insert)).toMatchObject({ created: false, record: { taskRef: first } });
  stored.clear();
  await expect(submitted.submit(again, insert)).rejects.toThrow(TooManyTasksError);
});

test('what was not stored after all counts no more', async () => {
  const { submitted, submit } = setUp();
  await submit({}, false);
  await expect(
    submitted.submit(newTask({ owner: 'bob' }), () => Promise.reject(new Error('no'))),
  ).rejects.toThrow('no');
  expect(submitted.unfinishedOf('bob')).toBeUndefined();
});

test('an unfinished task is owed, unless it is due much later or waits for an answer', async () => {
  const { submitted, submit, end, stored } = setUp();
  await submit({ delayMs: 60_000 });
  const asking = await submit();
  const record = stored.get(asking);
  if (record !== undefined) stored.set(asking, { ...record, inputRequests: {} });
  expect(await submitted.isOwing([OPERATION])).toBe(false);
  const owed = await submit();
  expect(await submitted.isOwing([OPERATION])).toBe(true);
  expect(await submitted.isOwing(['other'])).toBe(false);
  end(owed);
  expect(await submitted.isOwing([OPERATION])).toBe(false);
});

test('a task that is being stored while others are looked at still counts', async () => {
  const { submitted, looked } = setUp();
  const storing = newDeferred();
  const task = newTask({ owner: 'bob' });
  const { record } = newStoredTask(task, Date.now());
  const submitting = submitted.submit(task, async () => {
    await storing.promise;
    return { record, created: true };
  });
  expect(await submitted.isOwing([OPERATION])).toBe(false);
  storing.resolve();
  await submitting;
  expect(looked).toEqual([]);
  expect([...(submitted.unfinishedOf('bob') ?? [])]).toEqual([task.taskRef]);
});
