import { describe, expect, test } from 'vitest';
import { sleep } from '../../../src/time/sleep.js';
import type { Bench } from '../conformance.js';
import { echo, HOUR_MS, ManualExecute, newTask, OPERATION, PROMPT_MS } from '../scripted.js';

const DELAY_MS = 400;

/** Tasks that are not run before a time. */
export function describeDelays({ open, unless }: Bench): void {
  describe('delays', () => {
    test('hold a task back for their time, and no other', async () => {
      const engine = await open();
      engine.startWorker({ execute: echo, operations: [OPERATION], concurrency: 1 });
      const [{ record: late }, { record: atOnce }] = await Promise.all([
        engine.submit(newTask({ delayMs: DELAY_MS })),
        engine.submit(newTask()),
      ]);
      expect(late).toMatchObject({ status: 'pending', expiresAt: late.createdAt + DELAY_MS + HOUR_MS });
      const [lateEnd, end] = await Promise.all(
        [late, atOnce].map(({ taskRef }) => engine.waitForEnd(taskRef, { timeoutMs: 10_000 })),
      );
      expect(end).toMatchObject({ status: 'completed' });
      expect(lateEnd).toMatchObject({ status: 'completed', runCount: 1 });
      expect(end?.startedAt).toBeLessThan(lateEnd?.startedAt ?? 0);
      const waitedMs = (lateEnd?.startedAt ?? 0) - late.createdAt;
      expect(waitedMs).toBeGreaterThanOrEqual(DELAY_MS);
      expect(waitedMs).toBeLessThan(DELAY_MS + PROMPT_MS);
    });

    test('of several tasks end in the order of their times', async () => {
      const engine = await open();
      const manual = new ManualExecute();
      engine.startWorker(manual.worker({ concurrency: 3 }));
      const refs = new Map<number, string>();
      // A store may take its time for each task: what counts is when they are due, from one moment on.
      const begunAt = Date.now();
      for (const dueMs of [900, 300, 600]) {
        const delayMs = Math.max(0, begunAt + dueMs - Date.now());
        const { record } = await engine.submit(newTask({ delayMs }));
        refs.set(dueMs, record.taskRef);
      }
      for (const dueMs of [300, 600, 900]) expect((await manual.next()).record.taskRef).toBe(refs.get(dueMs));
    });

    test('do not bring back a task that was cancelled in the meantime', async () => {
      const engine = await open();
      const manual = new ManualExecute();
      engine.startWorker(manual.worker());
      const { record } = await engine.submit(newTask({ delayMs: 200 }));
      const cancelled = await engine.cancel(record.taskRef);
      expect(cancelled).toMatchObject({ status: 'cancelled' });
      await sleep(500);
      expect(manual.started).toEqual([]);
      expect(await engine.find(record.taskRef)).toStrictEqual(cancelled);
    });

    test('let finish wait for what is due soon, and leave what is due late in the store', async () => {
      const engine = await open();
      const worker = engine.startWorker({ execute: echo, operations: [OPERATION], concurrency: 1 });
      const { record: soon } = await engine.submit(newTask({ delayMs: DELAY_MS }));
      const { record: late } = await engine.submit(newTask({ delayMs: HOUR_MS }));
      const begunAt = performance.now();
      await worker.finish();
      expect(performance.now() - begunAt).toBeLessThan(10_000);
      expect(await engine.find(soon.taskRef)).toMatchObject({ status: 'completed' });
      expect(await engine.find(late.taskRef)).toStrictEqual(late);
    });

    unless('several-handles')('outlive the process that took the task in', async () => {
      const first = await open();
      const { record } = await first.submit(newTask({ delayMs: DELAY_MS }));
      await first.close();
      const second = await open();
      second.startWorker({ execute: echo, operations: [OPERATION], concurrency: 1 });
      const end = await second.waitForEnd(record.taskRef, { timeoutMs: 10_000 });
      expect(end).toMatchObject({ status: 'completed' });
      expect((end?.startedAt ?? 0) - record.createdAt).toBeGreaterThanOrEqual(DELAY_MS);
    });
  });
}
