import { describe, expect, test } from 'vitest';
import type { TaskRecord } from '../../../src/engine/task-record.js';
import { sleep } from '../../../src/time/sleep.js';
import type { Bench, HandleOptions } from '../conformance.js';
import { ManualExecute, newTask, PROMPT_MS } from '../scripted.js';

/** Long enough for a worker that is free to take a task that waits. */
const SOON_MS = 300;

/** Tasks that may be run again when their worker stops; what happens when it dies is tested with real processes. */
export function describeRetries({ open, unless }: Bench): void {
  async function openWorker(options: HandleOptions = {}) {
    const engine = await open(options);
    const manual = new ManualExecute();
    const worker = engine.startWorker(manual.worker({ concurrency: 5 }));
    return { engine, manual, worker };
  }

  describe('tasks that may be run again', () => {
    const handles = unless('several-handles');

    test('go back to the queue when their worker is drained', async () => {
      const lost: TaskRecord[] = [];
      const { engine, manual, worker } = await openWorker({ onLost: record => lost.push(record) });
      const { record } = await engine.submit(newTask({ retryAttempts: 1 }));
      const started = await manual.next();
      expect(started.record).toMatchObject({ runCount: 1, retryAttempts: 1 });
      started.context.reportProgress({ progress: 1 });
      await worker.drain(0);
      expect(started.context.signal.aborted).toBe(true);
      const pending = { status: 'pending', runCount: 1, startedAt: undefined, progress: undefined };
      expect(await engine.find(record.taskRef)).toMatchObject({ ...pending, error: undefined });
      started.complete('late');
      await sleep(20);
      expect(await engine.find(record.taskRef)).toMatchObject({ ...pending, result: undefined });
      expect(lost).toEqual([]);
    });

    test('end within the grace of a drain where they can', async () => {
      const { engine, manual, worker } = await openWorker();
      const { record } = await engine.submit(newTask({ retryAttempts: 1 }));
      const started = await manual.next();
      const drain = worker.drain(10_000);
      started.complete('in time');
      await drain;
      expect(await engine.find(record.taskRef)).toMatchObject({ status: 'completed', runCount: 1 });
    });

    test('can be cancelled in between, for good', async () => {
      const { engine, manual, worker } = await openWorker();
      const { record } = await engine.submit(newTask({ retryAttempts: 1 }));
      await manual.next();
      await worker.drain(0);
      const cancelled = await engine.cancel(record.taskRef);
      expect(cancelled).toMatchObject({ status: 'cancelled', runCount: 1 });
      expect(await engine.find(record.taskRef)).toStrictEqual(cancelled);
    });

    test('keep their idempotency key', async () => {
      const { engine, manual, worker } = await openWorker();
      const task = newTask({ retryAttempts: 1, idempotencyKey: 'k' });
      await engine.submit(task);
      await manual.next();
      await worker.drain(0);
      expect(await engine.submit(newTask({ idempotencyKey: 'k' }))).toMatchObject({
        created: false,
        record: { taskRef: task.taskRef, status: 'pending' },
      });
    });

    for (const stop of ['drain', 'close'] as const) {
      handles(`are taken by another worker at once after a ${stop}, with their parameters`, async () => {
        const front = await open();
        const [first, second] = [await openWorker(), await open()];
        const parameters = { list: [1, { deep: true }] };
        const { record } = await first.engine.submit(newTask({ retryAttempts: 1, parameters }));
        const wait = front.waitForEnd(record.taskRef, { timeoutMs: 20_000 });
        const earlier = await first.manual.next();
        const manual = new ManualExecute();
        second.startWorker(manual.worker());
        await (stop === 'drain' ? first.worker.drain(0) : first.engine.close());
        const stoppedAt = performance.now();
        const again = await manual.next();
        expect(performance.now() - stoppedAt).toBeLessThan(PROMPT_MS);
        expect(again.parameters).toStrictEqual(parameters);
        expect(again.record).toMatchObject({ taskRef: record.taskRef, status: 'processing', runCount: 2 });
        earlier.complete('of the first run');
        again.complete('of the second run');
        expect(await wait).toMatchObject({ status: 'completed', result: 'of the second run', runCount: 2 });
      });
    }

    handles('fail as stopped once they have been run again as often as they may', async () => {
      const lost: TaskRecord[] = [];
      const front = await open();
      const { record } = await front.submit(newTask({ retryAttempts: 2 }));
      for (const runCount of [1, 2, 3]) {
        const { manual, worker } = await openWorker({ onLost: one => lost.push(one) });
        expect((await manual.next()).record.runCount).toBe(runCount);
        await worker.drain(0);
      }
      const failed = await front.find(record.taskRef);
      expect(failed).toMatchObject({ status: 'failed', error: { code: 'WORKER_STOPPED' }, runCount: 3 });
      expect(lost).toStrictEqual([failed]);
    });

    handles('do not come back when they were cancelled or have ended before their worker stops', async () => {
      const { engine, manual, worker } = await openWorker();
      const [cancelled, completed, failed] = [
        newTask({ retryAttempts: 5 }),
        newTask({ retryAttempts: 5 }),
        newTask({ retryAttempts: 5 }),
      ];
      for (const task of [cancelled, completed, failed]) await engine.submit(task);
      await manual.next();
      (await manual.next()).complete('done');
      (await manual.next()).end({ status: 'failed', error: { code: 'NO', message: 'no', retryable: true } });
      for (const { taskRef } of [completed, failed]) await engine.waitForEnd(taskRef, { timeoutMs: 5000 });
      await engine.cancel(cancelled.taskRef);
      const ends = await Promise.all([cancelled, completed, failed].map(task => engine.find(task.taskRef)));
      expect(ends.map(end => end?.status)).toEqual(['cancelled', 'completed', 'failed']);
      await worker.drain(0);
      const second = await openWorker();
      await sleep(SOON_MS);
      expect(second.manual.started).toEqual([]);
      expect(
        await Promise.all([cancelled, completed, failed].map(task => engine.find(task.taskRef))),
      ).toStrictEqual(ends);
    });
  });
}
