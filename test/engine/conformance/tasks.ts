import { describe, expect, test } from 'vitest';
import { digestJson } from '../../../src/engine/canonical-json.js';
import { completed, HeldWork, newTask, until } from '../engine-store.js';
import { type CreateStore, useStore } from './opened.js';

export function describeTasks(createStore: CreateStore): void {
  describe('a task', () => {
    const open = useStore(createStore);

    test('is found as pending right after it was submitted', async () => {
      const engine = await open();
      const before = Date.now();
      const task = newTask({ parameters: { b: [1, 'é'], a: null }, slaMs: 1234, ttlMs: 5000 });
      const { record, created } = await engine.submit(task);
      expect(created).toBe(true);
      expect(record).toMatchObject({
        taskRef: task.taskRef,
        owner: 'ada',
        operation: 'work',
        status: 'pending',
        parametersDigest: digestJson({ a: null, b: [1, 'é'] }),
        slaMs: 1234,
      });
      expect(record.createdAt).toBeGreaterThanOrEqual(before);
      expect(record.updatedAt).toBe(record.createdAt);
      expect(record.expiresAt).toBe(record.createdAt + 5000);
      expect([record.startedAt, record.endedAt, record.progress, record.result, record.error]).toEqual(
        Array(5).fill(undefined),
      );
      expect(await engine.find(task.taskRef)).toEqual(record);
    });

    test('may have an SLA and a lifetime that are no whole milliseconds', async () => {
      const engine = await open();
      const { record } = await engine.submit(newTask({ slaMs: 0.5, ttlMs: 1000.25 }));
      expect(record).toMatchObject({ status: 'pending', slaMs: 1 });
    });

    test('that nobody submitted is not found, not cancelled and not waited for', async () => {
      const engine = await open();
      const { record } = await engine.submit(newTask());
      for (const taskRef of ['task_of_nobody', '', `${record.taskRef}\0`, `${record.taskRef} `]) {
        expect(await engine.find(taskRef)).toBeUndefined();
        expect(await engine.cancel(taskRef)).toBeUndefined();
        expect(await engine.waitForEnd(taskRef, { timeoutMs: 10_000 })).toBeUndefined();
      }
      expect(await engine.find(record.taskRef)).toMatchObject({ status: 'pending' });
    });

    test('hands the worker the parameters as they were submitted', async () => {
      const engine = await open();
      const work = new HeldWork();
      engine.startWorker({ execute: work.execute, operations: ['work'], concurrency: 1 });
      const parameters = { text: 'line\nNUL \0 quote " emoji 🎉', big: 2 ** 53, none: null, list: [{}, []] };
      const { record } = await engine.submit(newTask({ parameters }));
      await work.startedCount(1);
      expect(work.started[0]?.parameters).toEqual(parameters);
      expect(work.started[0]?.record).toMatchObject({ taskRef: record.taskRef, status: 'processing' });
      expect((await engine.find(record.taskRef))?.startedAt).toBeGreaterThanOrEqual(record.createdAt);
    });

    test('that is cancelled while it waits never runs', async () => {
      const engine = await open();
      const work = new HeldWork();
      const { record } = await engine.submit(newTask());
      expect(await engine.cancel(record.taskRef)).toMatchObject({
        status: 'cancelled',
        error: { code: 'CANCELLED', retryable: false },
      });
      const later = await engine.submit(newTask());
      engine.startWorker({ execute: work.execute, operations: ['work'], concurrency: 1 });
      await work.startedCount(1);
      expect(work.started.map(task => task.record.taskRef)).toEqual([later.record.taskRef]);
    });

    test('that is cancelled while it runs is over at once, and its signal aborts', async () => {
      const engine = await open();
      const work = new HeldWork();
      engine.startWorker({ execute: work.execute, operations: ['work'], concurrency: 1 });
      const { taskRef } = (await engine.submit(newTask())).record;
      await work.startedCount(1);
      const cancelled = await engine.cancel(taskRef);
      expect(cancelled).toMatchObject({ status: 'cancelled' });
      const { signal } = work.context(taskRef);
      await until(() => signal.aborted);
      expect(signal.reason).toBeInstanceOf(Error);
      expect(String(signal.reason)).toMatch(/cancelled/);
    });

    test('that is cancelled stays so, whatever comes later', async () => {
      const engine = await open();
      const work = new HeldWork();
      engine.startWorker({ execute: work.execute, operations: ['work'], concurrency: 1 });
      const { taskRef } = (await engine.submit(newTask())).record;
      await work.startedCount(1);
      const cancelled = await engine.cancel(taskRef);
      work.context(taskRef).reportProgress({ progress: 1 });
      work.end(taskRef, completed('too late'));
      const next = await engine.submit(newTask());
      await work.startedCount(2);
      expect(await engine.find(taskRef)).toEqual(cancelled);
      expect(await engine.cancel(taskRef)).toEqual(cancelled);
      work.end(next.record.taskRef, completed(null));
    });

    test('that has completed is not changed by a cancel', async () => {
      const engine = await open();
      engine.startWorker({ execute: async () => completed(7), operations: ['work'], concurrency: 1 });
      const { taskRef } = (await engine.submit(newTask())).record;
      const ended = await engine.waitForEnd(taskRef, { timeoutMs: 10_000 });
      expect(ended).toMatchObject({ status: 'completed', result: 7, error: undefined });
      expect(await engine.cancel(taskRef)).toEqual(ended);
    });
  });
}
