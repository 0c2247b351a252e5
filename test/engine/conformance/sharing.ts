import { describe, expect, test } from 'vitest';
import { sleep } from '../../../src/time/sleep.js';
import { completed, HeldWork, newTask, until } from '../engine-store.js';
import { type CreateStore, useStore } from './opened.js';

export function describeSharing(createStore: CreateStore): void {
  describe('several handles on one store', () => {
    const open = useStore(createStore);
    const done = async () => completed('done');

    test('see the same records', async () => {
      const [one, other] = [await open(), await open()];
      const { record } = await one.submit(newTask());
      expect(await other.find(record.taskRef)).toEqual(record);
    });

    test('give one task for one idempotency key', async () => {
      const engines = [await open(), await open(), await open()];
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          engines[index % 3]?.submit(newTask({ idempotencyKey: 'one' })),
        ),
      );
      expect(answers.filter(answer => answer?.created)).toHaveLength(1);
      expect(new Set(answers.map(answer => answer?.record.taskRef)).size).toBe(1);
    });

    test("run a task in another handle's worker, and end the wait here", async () => {
      const [front, back] = [await open(), await open()];
      back.startWorker({ execute: done, operations: ['work'], concurrency: 1 });
      const { record } = await front.submit(newTask());
      const ended = await front.waitForEnd(record.taskRef, { timeoutMs: 10_000 });
      expect(ended).toMatchObject({ status: 'completed', result: 'done' });
    });

    test('abort a running task within a second of a cancel elsewhere', async () => {
      const [front, back] = [await open(), await open()];
      const work = new HeldWork();
      back.startWorker({ execute: work.execute, operations: ['work'], concurrency: 1 });
      const { taskRef } = (await front.submit(newTask())).record;
      await work.startedCount(1);
      const cancelledAt = performance.now();
      await front.cancel(taskRef);
      await until(() => work.context(taskRef).signal.aborted);
      expect(performance.now() - cancelledAt).toBeLessThan(1000);
    });

    test('share tasks out so that each runs once', async () => {
      const front = await open();
      const runs = new Map<string, number>();
      for (const engine of [await open(), await open()]) {
        engine.startWorker({
          execute: async ({ record }) => {
            runs.set(record.taskRef, (runs.get(record.taskRef) ?? 0) + 1);
            return completed(null);
          },
          operations: ['work'],
          concurrency: 3,
        });
      }
      for (let i = 0; i < 60; i++) await front.submit(newTask());
      await until(() => runs.size === 60);
      await sleep(20);
      expect([...runs.values()].every(count => count === 1)).toBe(true);
    });

    test('leave a worker that finishes without the tasks of others', async () => {
      const [front, back] = [await open(), await open()];
      const work = new HeldWork();
      const worker = back.startWorker({ execute: work.execute, operations: ['work'], concurrency: 1 });
      const own = (await back.submit(newTask())).record.taskRef;
      await work.startedCount(1);
      const finish = worker.finish();
      const foreign = (await front.submit(newTask())).record.taskRef;
      work.end(own, completed(null));
      await finish;
      expect(await front.find(foreign)).toMatchObject({ status: 'pending' });
      expect(work.started).toHaveLength(1);
    });

    test('run what an engine left queued when it was closed', async () => {
      const [first, second] = [await open(), await open()];
      const work = new HeldWork();
      first.startWorker({ execute: work.execute, operations: ['work'], concurrency: 1 });
      const running = (await first.submit(newTask())).record.taskRef;
      const queued = (await first.submit(newTask())).record.taskRef;
      await work.startedCount(1);
      second.startWorker({ execute: done, operations: ['work'], concurrency: 1 });
      await first.close();
      expect(await second.waitForEnd(queued, { timeoutMs: 10_000 })).toMatchObject({ status: 'completed' });
      expect(await second.find(running)).toMatchObject({
        status: 'failed',
        error: { code: 'WORKER_STOPPED', retryable: true },
      });
    });
  });
}
