import { describe, expect, test } from 'vitest';
import type { Bench } from '../conformance.js';
import { ManualClock } from '../manual-clock.js';
import { eventually, HOUR_MS, ManualExecute, newTask } from '../scripted.js';

export function describeStats({ open, unless }: Bench): void {
  describe('stats', () => {
    test('of an empty store are none', async () => {
      expect(await (await open()).stats(HOUR_MS)).toEqual([]);
    });

    test('count the tasks of each operation by status', async () => {
      const engine = await open();
      const work = new ManualExecute();
      await engine.submit(newTask({ operation: 'zip' }));
      const cancelled = await engine.submit(newTask({ operation: 'zip' }));
      await engine.cancel(cancelled.record.taskRef);
      engine.startWorker(work.worker({ concurrency: 3 }));
      for (let count = 0; count < 3; count++) await engine.submit(newTask());
      const [first, second] = [await work.next(), await work.next(), await work.next()];
      first.complete('done');
      second.end({ status: 'failed', error: { code: 'NO', message: 'no', retryable: false } });
      const stats = await eventually(async () => {
        const all = await engine.stats(HOUR_MS);
        return all[0]?.processing === 1 && all;
      });
      expect(stats).toEqual([
        {
          operation: 'echo',
          pending: 0,
          processing: 1,
          asking: 0,
          completed: 1,
          failed: 1,
          cancelled: 0,
          oldestWaitMs: undefined,
          recent: {
            completed: 1,
            failed: 1,
            meanDurationMs: expect.any(Number),
            p95DurationMs: expect.any(Number),
          },
        },
        {
          operation: 'zip',
          pending: 1,
          processing: 0,
          asking: 0,
          completed: 0,
          failed: 0,
          cancelled: 1,
          oldestWaitMs: expect.any(Number),
          recent: { completed: 0, failed: 0, meanDurationMs: undefined, p95DurationMs: undefined },
        },
      ]);
    });

    unless('clock')('tell durations of what ended in the window, and the longest wait', async () => {
      const clock = new ManualClock();
      const engine = await open({ clock });
      const work = new ManualExecute();
      engine.startWorker(work.worker());
      for (const durationMs of [1, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]) {
        const { record } = await engine.submit(newTask({ ttlMs: 10 * HOUR_MS }));
        const task = await work.next();
        clock.pass(durationMs);
        task.complete(null);
        await engine.waitForEnd(record.taskRef, { timeoutMs: 5000 });
        // The first ends before the window.
        if (durationMs === 1) clock.pass(HOUR_MS);
      }
      await engine.submit(newTask({ operation: 'late' }));
      clock.pass(70);
      await engine.submit(newTask({ operation: 'late' }));
      clock.pass(30);
      const [echo, late] = await engine.stats(HOUR_MS);
      expect(echo).toMatchObject({
        completed: 11,
        recent: { completed: 10, meanDurationMs: 550, p95DurationMs: 1000 },
      });
      expect(late).toMatchObject({ pending: 2, oldestWaitMs: 100 });
    });

    unless('clock')('leave out what has expired', async () => {
      const clock = new ManualClock();
      const engine = await open({ clock });
      await engine.submit(newTask({ ttlMs: 1000 }));
      clock.pass(1000);
      expect(await engine.stats(HOUR_MS)).toEqual([]);
    });
  });
}
