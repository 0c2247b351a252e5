import { describe, expect, test } from 'vitest';
import { sleep } from '../../../src/time/sleep.js';
import { completed, HeldWork, newTask, until } from '../engine-store.js';
import { type CreateStore, useStore } from './opened.js';

export function describeExpiry(createStore: CreateStore): void {
  describe('expiry', () => {
    const open = useStore(createStore);

    test('makes a record as if it had never been', async () => {
      const engine = await open();
      const { taskRef } = (await engine.submit(newTask({ ttlMs: 20 }))).record;
      await sleep(25);
      expect(await engine.find(taskRef)).toBeUndefined();
      expect(await engine.cancel(taskRef)).toBeUndefined();
      expect(await engine.waitForEnd(taskRef, { timeoutMs: 10_000 })).toBeUndefined();
    });

    test('keeps a task that waited too long from running', async () => {
      const engine = await open();
      const work = new HeldWork();
      await engine.submit(newTask({ ttlMs: 20 }));
      await sleep(25);
      const { record } = await engine.submit(newTask());
      engine.startWorker({ execute: work.execute, operations: ['work'], concurrency: 2 });
      await work.startedCount(1);
      await sleep(20);
      expect(work.started.map(task => task.record.taskRef)).toEqual([record.taskRef]);
    });

    test('does not come to a task that runs, and is counted again from its end', async () => {
      const engine = await open();
      const work = new HeldWork();
      engine.startWorker({ execute: work.execute, operations: ['work'], concurrency: 1 });
      const { record } = await engine.submit(newTask({ ttlMs: 300 }));
      const { taskRef } = record;
      await work.startedCount(1);
      await until(() => Date.now() > record.expiresAt);
      expect(await engine.find(taskRef)).toMatchObject({ status: 'processing' });
      work.end(taskRef, completed('late'));
      const ended = await engine.waitForEnd(taskRef, { timeoutMs: 10_000 });
      expect(ended).toMatchObject({ status: 'completed', result: 'late' });
      expect(ended?.expiresAt).toBe((ended?.endedAt ?? 0) + 300);
      await until(async () => (await engine.find(taskRef)) === undefined);
      expect(Date.now()).toBeGreaterThanOrEqual(ended?.expiresAt ?? 0);
    });
  });
}
