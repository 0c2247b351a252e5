import { describe, expect, test } from 'vitest';
import type { Execution } from '../../../src/engine/engine.js';
import type { EngineOptions } from '../../../src/engine/open-engine.js';
import { sleep } from '../../../src/time/sleep.js';
import { completed, HeldWork, newTask, until } from '../engine-store.js';
import { type CreateStore, useStore } from './opened.js';

export function describeResults(createStore: CreateStore): void {
  const open = useStore(createStore);

  async function endOf(execute: () => Promise<Execution>, options?: EngineOptions) {
    const engine = await open(options);
    engine.startWorker({ execute, operations: ['work'], concurrency: 1 });
    const { record } = await engine.submit(newTask());
    return engine.waitForEnd(record.taskRef, { timeoutMs: 10_000 });
  }

  describe('a result', () => {
    test.each([[null], [false], [0], ['NUL \0 🎉 \ud800'], [[1, [2]]], [{ deep: { list: [] } }]])(
      'comes back as it was: %j',
      async result => {
        const ended = await endOf(async () => completed(result));
        expect(ended).toMatchObject({ status: 'completed', error: undefined });
        expect(ended?.result).toEqual(result);
        expect(ended?.updatedAt).toBe(ended?.endedAt);
      },
    );

    test('that is undefined is stored as null', async () => {
      expect(await endOf(async () => completed(undefined))).toMatchObject({
        status: 'completed',
        result: null,
      });
    });

    test('that has no JSON fails the task', async () => {
      const cycle: unknown[] = [];
      cycle.push(cycle);
      for (const result of [1n, cycle]) {
        expect(await endOf(async () => completed(result))).toMatchObject({
          status: 'failed',
          error: { code: 'INVALID_RESULT', retryable: false },
          result: undefined,
        });
      }
    });

    test('may be as large as the limit, in bytes of its JSON', async () => {
      const ended = await endOf(async () => completed('é'.repeat(49)), { maxResultBytes: 100 });
      expect(ended).toMatchObject({ status: 'completed', result: 'é'.repeat(49) });
    });

    test('that is larger fails the task with both numbers', async () => {
      const ended = await endOf(async () => completed('é'.repeat(50)), { maxResultBytes: 100 });
      expect(ended).toMatchObject({
        status: 'failed',
        error: { code: 'RESULT_TOO_LARGE', retryable: false },
      });
      expect(ended?.error?.message).toMatch(/\b102\b.*\b100\b/);
    });
  });

  describe('a failure', () => {
    test('comes back with its code, message and whether a retry may help', async () => {
      const error = { code: 'UPSTREAM_BUSY', message: 'Busy.', retryable: true };
      const ended = await endOf(async () => ({ status: 'failed', error }));
      expect(ended).toMatchObject({ status: 'failed', error, result: undefined });
    });

    test('is what becomes of a task whose execution throws', async () => {
      const ended = await endOf(() => {
        throw new Error('a bug');
      });
      expect(ended).toMatchObject({
        status: 'failed',
        error: { code: 'OPERATION_FAILED', message: 'a bug' },
      });
    });
  });

  describe('progress', () => {
    test('is in the record, however often it is reported, and the last report stays', async () => {
      const engine = await open();
      const work = new HeldWork();
      engine.startWorker({ execute: work.execute, operations: ['work'], concurrency: 1 });
      const { taskRef } = (await engine.submit(newTask())).record;
      await work.startedCount(1);
      const { reportProgress } = work.context(taskRef);
      for (let done = 1; done <= 1000; done++)
        reportProgress({ progress: done, total: 1000, message: `${done}` });
      await until(async () => (await engine.find(taskRef))?.progress?.progress === 1000);
      reportProgress({ progress: 1001 });
      work.end(taskRef, completed(null));
      const ended = await engine.waitForEnd(taskRef, { timeoutMs: 10_000 });
      expect(ended?.progress).toEqual({ progress: 1001 });
    });

    test('of an ended task changes nothing', async () => {
      const engine = await open();
      const work = new HeldWork();
      engine.startWorker({ execute: work.execute, operations: ['work'], concurrency: 1 });
      const { taskRef } = (await engine.submit(newTask())).record;
      await work.startedCount(1);
      const { reportProgress } = work.context(taskRef);
      work.end(taskRef, completed('done'));
      const ended = await engine.waitForEnd(taskRef, { timeoutMs: 10_000 });
      reportProgress({ progress: 1 });
      await sleep(20);
      expect(await engine.find(taskRef)).toEqual(ended);
    });
  });
}
