import { describe, expect, test } from 'vitest';
import type { Execute } from '../../../src/engine/engine.js';
import { sleep } from '../../../src/time/sleep.js';
import type { Bench } from '../conformance.js';
import { echo, eventually, ManualExecute, newTask, OPERATION } from '../scripted.js';

export function describeQueue({ open, unless }: Bench): void {
  describe('queue', () => {
    test('runs tasks in the order in which they were submitted', async () => {
      const engine = await open();
      const manual = new ManualExecute();
      const tasks = Array.from({ length: 30 }, () => newTask());
      for (const task of tasks) await engine.submit(task);
      engine.startWorker(manual.worker());
      for (const { taskRef } of tasks) {
        const started = await manual.next();
        expect(started.record.taskRef).toBe(taskRef);
        started.complete(null);
      }
    });

    test('hands a task to its worker as it was submitted, processing', async () => {
      const engine = await open();
      const manual = new ManualExecute();
      engine.startWorker(manual.worker());
      const parameters = { text: 'nul \0, quote ", 🦊', list: [1, null, { deep: true }], __proto__x: 1 };
      const { record } = await engine.submit(newTask({ parameters }));
      const started = await manual.next();
      expect(started.parameters).toStrictEqual(parameters);
      expect(started.record).toMatchObject({ taskRef: record.taskRef, status: 'processing' });
      const found = await engine.find(record.taskRef);
      expect(found).toStrictEqual(started.record);
      expect(found?.startedAt).toBeGreaterThanOrEqual(record.createdAt);
      expect(found?.updatedAt).toBe(found?.startedAt);
    });

    test.each([null, 0, '', false, [], {}, undefined])('keeps the parameters %j', async parameters => {
      const engine = await open();
      const manual = new ManualExecute();
      engine.startWorker(manual.worker());
      await engine.submit(newTask({ parameters }));
      expect((await manual.next()).parameters).toStrictEqual(parameters ?? null);
    });

    test('runs as many tasks at once as the worker allows, and no more', async () => {
      const engine = await open();
      const manual = new ManualExecute();
      engine.startWorker(manual.worker({ concurrency: 11 }));
      await Promise.all(Array.from({ length: 30 }, () => engine.submit(newTask())));
      await eventually(() => manual.started.length === 11);
      await sleep(50);
      expect(manual.started).toHaveLength(11);
      (await manual.next()).complete(null);
      (await manual.next()).complete(null);
      await eventually(() => manual.started.length === 13);
      await sleep(50);
      expect(manual.started).toHaveLength(13);
    });

    test('runs every task exactly once', async () => {
      const engine = await open();
      const runs: string[] = [];
      engine.startWorker({
        operations: [OPERATION],
        concurrency: 50,
        execute: async ({ record }) => {
          runs.push(record.taskRef);
          await sleep(Math.random() * 5);
          return { status: 'completed', result: null };
        },
      });
      const submitted = await Promise.all(Array.from({ length: 300 }, () => engine.submit(newTask())));
      for (const { record } of submitted)
        expect(await engine.waitForEnd(record.taskRef, { timeoutMs: 10_000 })).toMatchObject({
          status: 'completed',
        });
      expect(runs.toSorted()).toEqual(submitted.map(({ record }) => record.taskRef).toSorted());
    });

    test('answers callers while its worker runs a backlog', async () => {
      const engine = await open();
      for (let index = 0; index < 300; index++) await engine.submit(newTask());
      let runCount = 0;
      const execute: Execute = async () => {
        runCount++;
        return { status: 'completed', result: null };
      };
      engine.startWorker({ execute, operations: [OPERATION], concurrency: 10 });
      const seen = new Set<number>();
      await eventually(async () => {
        await engine.find('nobody');
        seen.add(runCount);
        return runCount === 300;
      });
      expect(seen.size).toBeGreaterThan(3);
    });

    test('leaves tasks of operations that the worker does not know in the queue', async () => {
      const engine = await open();
      engine.startWorker({ execute: echo, operations: ['known', 'known_too'], concurrency: 1 });
      const unknown = await engine.submit(newTask({ operation: 'unknown' }));
      for (const operation of ['known', 'known_too']) {
        const { record } = await engine.submit(newTask({ operation }));
        expect(await engine.waitForEnd(record.taskRef, { timeoutMs: 5000 })).toMatchObject({
          status: 'completed',
        });
      }
      expect(await engine.find(unknown.record.taskRef)).toStrictEqual(unknown.record);
    });

    test('has one worker at most', async () => {
      const engine = await open();
      engine.startWorker({ execute: echo, operations: [], concurrency: 1 });
      expect(() => engine.startWorker({ execute: echo, operations: [], concurrency: 1 })).toThrow(TypeError);
    });

    unless('several-handles')('lets a further worker run what the first one does not know', async () => {
      const [front, one, two] = await Promise.all([open(), open(), open()]);
      one.startWorker({ execute: echo, operations: ['other'], concurrency: 1 });
      const { record } = await front.submit(newTask());
      two.startWorker({ execute: echo, operations: [OPERATION], concurrency: 1 });
      expect(await front.waitForEnd(record.taskRef, { timeoutMs: 5000 })).toMatchObject({
        status: 'completed',
      });
    });
  });
}
