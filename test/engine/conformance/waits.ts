import { describe, expect, test } from 'vitest';
import { sleep } from '../../../src/time/sleep.js';
import type { Bench } from '../conformance.js';
import { ManualExecute, newTask, PROMPT_MS } from '../scripted.js';

const LONG_MS = 20_000;

async function elapsedOf(work: Promise<unknown>): Promise<number> {
  const begunAt = performance.now();
  await work;
  return performance.now() - begunAt;
}

export function describeWaits({ open }: Bench): void {
  async function openWithWorker() {
    const engine = await open();
    const manual = new ManualExecute();
    engine.startWorker(manual.worker({ concurrency: 5 }));
    return { engine, manual };
  }

  describe('waits', () => {
    test('end as soon as the task does', async () => {
      const { engine, manual } = await openWithWorker();
      const { record } = await engine.submit(newTask());
      const wait = engine.waitForEnd(record.taskRef, { timeoutMs: LONG_MS });
      (await manual.next()).complete('done');
      expect(await elapsedOf(wait)).toBeLessThan(PROMPT_MS);
      expect(await wait).toMatchObject({ status: 'completed', result: 'done' });
      expect(await wait).toStrictEqual(await engine.find(record.taskRef));
    });

    test('end at once for a task that has ended, or that never was', async () => {
      const { engine, manual } = await openWithWorker();
      const { record } = await engine.submit(newTask());
      (await manual.next()).complete('done');
      const end = await engine.waitForEnd(record.taskRef, { timeoutMs: LONG_MS });
      expect(await engine.waitForEnd(record.taskRef, { timeoutMs: LONG_MS })).toStrictEqual(end);
      expect(await engine.waitForEnd('nobody', { timeoutMs: LONG_MS })).toBeUndefined();
    });

    test('end when their time is up, with the record as it then is', async () => {
      const { engine, manual } = await openWithWorker();
      const { record } = await engine.submit(newTask());
      const { context } = await manual.next();
      const wait = engine.waitForEnd(record.taskRef, { timeoutMs: 60 });
      context.reportProgress({ progress: 1 });
      const elapsedMs = await elapsedOf(wait);
      expect(elapsedMs).toBeGreaterThan(40);
      expect(elapsedMs).toBeLessThan(PROMPT_MS);
      expect(await wait).toMatchObject({ status: 'processing', progress: { progress: 1 } });
    });

    test('with no time at all are a look', async () => {
      const { engine } = await openWithWorker();
      const { record } = await engine.submit(newTask({ operation: 'unknown' }));
      expect(await engine.waitForEnd(record.taskRef, { timeoutMs: 0 })).toStrictEqual(record);
    });

    test('end promptly with the reason of their signal', async () => {
      const { engine } = await openWithWorker();
      const { record } = await engine.submit(newTask({ operation: 'unknown' }));
      const reason = new Error('Enough');
      const signal = AbortSignal.abort(reason);
      await expect(engine.waitForEnd(record.taskRef, { timeoutMs: LONG_MS, signal })).rejects.toBe(reason);
      const controller = new AbortController();
      const wait = engine.waitForEnd(record.taskRef, { timeoutMs: LONG_MS, signal: controller.signal });
      const settled = elapsedOf(wait.catch(() => {}));
      controller.abort(reason);
      await expect(wait).rejects.toBe(reason);
      expect(await settled).toBeLessThan(PROMPT_MS);
    });

    test('of many on one task, and on many tasks, all end', async () => {
      const { engine, manual } = await openWithWorker();
      const { record } = await engine.submit(newTask());
      const other = await engine.submit(newTask());
      const waits = Array.from({ length: 500 }, () =>
        engine.waitForEnd(record.taskRef, { timeoutMs: LONG_MS }),
      );
      const otherWait = engine.waitForEnd(other.record.taskRef, { timeoutMs: LONG_MS });
      const aborted = new AbortController();
      const leaving = engine.waitForEnd(record.taskRef, { timeoutMs: LONG_MS, signal: aborted.signal });
      aborted.abort(new Error('Gone'));
      await expect(leaving).rejects.toThrow('Gone');
      (await manual.next()).complete('one');
      for (const record of await Promise.all(waits)) expect(record).toMatchObject({ result: 'one' });
      (await manual.next()).complete('two');
      expect(await otherWait).toMatchObject({ result: 'two' });
    });

    test('end when the task is cancelled', async () => {
      const { engine } = await openWithWorker();
      const { record } = await engine.submit(newTask({ operation: 'unknown' }));
      const wait = engine.waitForEnd(record.taskRef, { timeoutMs: LONG_MS });
      await sleep(10);
      await engine.cancel(record.taskRef);
      expect(await elapsedOf(wait)).toBeLessThan(PROMPT_MS);
      expect(await wait).toMatchObject({ status: 'cancelled' });
    });

    test('end when the engine closes', async () => {
      const { engine, manual } = await openWithWorker();
      const queued = await engine.submit(newTask({ operation: 'unknown' }));
      const running = await engine.submit(newTask());
      await manual.next();
      const waits = [queued, running].map(({ record }) =>
        engine.waitForEnd(record.taskRef, { timeoutMs: LONG_MS }),
      );
      await sleep(10);
      const begunAt = performance.now();
      await engine.close();
      await Promise.all(waits);
      expect(performance.now() - begunAt).toBeLessThan(PROMPT_MS);
      expect(await waits[0]).toMatchObject({ taskRef: queued.record.taskRef, status: 'pending' });
    });
  });
}
