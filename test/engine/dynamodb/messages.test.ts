import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { TaskRecord } from '../../../src/engine/task-record.js';
import { sleep } from '../../../src/time/sleep.js';
import { describeWithAws } from '../../services/index.js';
import { echo, eventually, ManualExecute, newTask, OPERATION } from '../scripted.js';
import { LEASE_MS, newTestStore } from './test-store.js';

const WORKER = { execute: echo, operations: [OPERATION], concurrency: 2 };

describeWithAws('the store on DynamoDB and SQS', aws => {
  const newStore = () => newTestStore(aws());

  describe('results', () => {
    test.each([349_990, 350_000, 400_000, 409_600, 1_000_000])('of %i bytes come back', async bytes => {
      const { open } = await newStore();
      const engine = await open();
      engine.startWorker(WORKER);
      // The characters of three bytes do not end where the items do.
      const text = '€'.repeat(Math.floor(bytes / 3)).padEnd(bytes - 2 * Math.floor(bytes / 3), 'x');
      const { record } = await engine.submit(newTask({ parameters: text }));
      expect(await engine.waitForEnd(record.taskRef, { timeoutMs: 20_000 })).toMatchObject({ result: text });
    });

    test('that are larger than allowed fail with the sizes', async () => {
      const { open } = await newStore();
      const engine = await open({ maxResultBytes: 400_000 });
      engine.startWorker(WORKER);
      const { record } = await engine.submit(newTask({ parameters: 'x'.repeat(399_999) }));
      expect(await engine.waitForEnd(record.taskRef, { timeoutMs: 20_000 })).toMatchObject({
        error: { code: 'RESULT_TOO_LARGE', message: expect.stringContaining('400001 bytes') },
      });
    });
  });

  test('messages that come many times lead to one run', async () => {
    const { open, send } = await newStore();
    const front = await open();
    const workers = [new ManualExecute(), new ManualExecute()];
    for (const manual of workers) (await open()).startWorker(manual.worker({ concurrency: 5 }));
    const { record } = await front.submit(newTask());
    for (let count = 0; count < 8; count++) await send(record.taskRef);
    await eventually(() => workers.some(({ started }) => started.length > 0));
    await sleep(LEASE_MS);
    expect(workers.flatMap(({ started }) => started)).toHaveLength(1);
    for (const { started } of workers) started[0]?.complete('done');
    expect(await front.waitForEnd(record.taskRef, { timeoutMs: 5000 })).toMatchObject({ runCount: 1 });
  });

  test('a task that was stored and not sent is sent by the sweep', async () => {
    const { tasks, open } = await newStore();
    const task = newTask();
    await tasks.insert(task, randomUUID());
    const engine = await open();
    engine.startWorker(WORKER);
    expect(await engine.waitForEnd(task.taskRef, { timeoutMs: 20_000 })).toMatchObject({
      status: 'completed',
    });
  });

  test.each([0, 1])('a task whose worker is gone, with %i retries', async retryAttempts => {
    const { tasks, open, buried } = await newStore();
    const task = newTask({ retryAttempts });
    await tasks.insert(task, randomUUID());
    const item = await tasks.read(task.taskRef);
    if (item === undefined) throw new Error('It is not stored.');
    expect(await tasks.claim(item)).toBeDefined();
    const lost: TaskRecord[] = [];
    const engine = await open({ onLost: record => lost.push(record) });
    engine.startWorker(WORKER);
    const begunAt = performance.now();
    const end = await engine.waitForEnd(task.taskRef, { timeoutMs: 30_000 });
    if (retryAttempts === 1) {
      expect(end).toMatchObject({ status: 'completed', runCount: 2 });
      return;
    }
    expect(end).toMatchObject({ status: 'failed', error: { code: 'WORKER_LOST' } });
    expect(performance.now() - begunAt).toBeLessThan(LEASE_MS);
    expect(lost.map(({ taskRef }) => taskRef)).toEqual([task.taskRef]);
    expect(await eventually(async () => (await buried()).at(0))).toBe(task.taskRef);
  });

  test('an end that another process makes is heard of within 500 ms, in the median', async () => {
    const { open } = await newStore();
    const front = await open();
    const manual = new ManualExecute();
    (await open()).startWorker(manual.worker());
    const latenesses: number[] = [];
    for (let count = 0; count < 15; count++) {
      const { record } = await front.submit(newTask());
      const wait = front.waitForEnd(record.taskRef, { timeoutMs: 20_000 });
      const started = await manual.next();
      await sleep(Math.random() * 400);
      const endedAt = performance.now();
      started.complete(null);
      await wait;
      latenesses.push(performance.now() - endedAt);
    }
    const sorted = latenesses.toSorted((a, b) => a - b);
    expect(sorted[7]).toBeLessThan(500);
  });
});
