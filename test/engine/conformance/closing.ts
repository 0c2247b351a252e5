import { describe, expect, test } from 'vitest';
import { StoreFailure } from '../../../src/engine/store-failure.js';
import { sleep } from '../../../src/time/sleep.js';
import type { Bench } from '../conformance.js';
import { echo, ManualExecute, newTask, OPERATION } from '../scripted.js';

export function describeClosing({ open, unless }: Bench): void {
  describe('close', () => {
    test('makes every later call fail with a StoreFailure', async () => {
      const engine = await open();
      const { record } = await engine.submit(newTask());
      await engine.close();
      const calls = [
        () => engine.submit(newTask()),
        () => engine.find(record.taskRef),
        () => engine.cancel(record.taskRef),
        () => engine.waitForEnd(record.taskRef, { timeoutMs: 20_000 }),
        async () => engine.startWorker({ execute: echo, operations: [OPERATION], concurrency: 1 }),
      ];
      for (const call of calls) await expect(call()).rejects.toThrow(StoreFailure);
    });

    test('may be called twice, also at once; each call resolves when all is released', async () => {
      const engine = await open();
      const manual = new ManualExecute();
      engine.startWorker(manual.worker());
      await engine.submit(newTask());
      await manual.next();
      await Promise.all([engine.close(), engine.close()]);
      await engine.close();
    });

    test('lets go of running tasks: their signals abort, what they do later is no error', async () => {
      const engine = await open();
      const manual = new ManualExecute();
      const worker = engine.startWorker(manual.worker({ concurrency: 3 }));
      for (let index = 0; index < 4; index++) await engine.submit(newTask());
      const running = [await manual.next(), await manual.next(), await manual.next()];
      const finish = worker.finish();
      await engine.close();
      await finish;
      for (const { context, complete } of running) {
        expect(context.signal.aborted).toBe(true);
        context.reportProgress({ progress: 1 });
        complete('late');
      }
      await sleep(20);
      await Promise.all([worker.finish(), worker.drain(10_000)]);
      expect(manual.started).toHaveLength(3);
    });

    unless('several-handles')('fails what still runs as stopped, at once', async () => {
      const [front, back] = [await open(), await open()];
      const manual = new ManualExecute();
      back.startWorker(manual.worker());
      const { record } = await front.submit(newTask());
      await manual.next();
      await back.close();
      expect(await front.find(record.taskRef)).toMatchObject({
        status: 'failed',
        error: { code: 'WORKER_STOPPED', retryable: true },
      });
    });
  });
}
