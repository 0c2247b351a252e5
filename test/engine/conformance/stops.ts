import { describe, expect, test } from 'vitest';
import type { TaskRecord } from '../../../src/engine/task-record.js';
import { sleep } from '../../../src/time/sleep.js';
import type { Bench } from '../conformance.js';
import { eventually, ManualExecute, newTask, PROMPT_MS } from '../scripted.js';

/** Cancelling tasks, and ending a worker. */
export function describeStops({ open }: Bench): void {
  async function openWithWorker(concurrency = 5) {
    const engine = await open();
    const manual = new ManualExecute();
    const worker = engine.startWorker(manual.worker({ concurrency }));
    return { engine, manual, worker };
  }

  describe('cancel', () => {
    test('ends a pending task for good: it never runs', async () => {
      const engine = await open();
      const { record } = await engine.submit(newTask());
      const cancelled = await engine.cancel(record.taskRef);
      expect(cancelled).toMatchObject({
        status: 'cancelled',
        result: undefined,
        startedAt: undefined,
        endedAt: cancelled?.updatedAt,
        error: { code: 'CANCELLED', message: expect.any(String), retryable: false },
      });
      const manual = new ManualExecute();
      engine.startWorker(manual.worker());
      const { record: next } = await engine.submit(newTask());
      expect((await manual.next()).record.taskRef).toBe(next.taskRef);
      expect(await engine.find(record.taskRef)).toStrictEqual(cancelled);
    });

    test('aborts a running task, and no late result overwrites it', async () => {
      const { engine, manual } = await openWithWorker();
      const { record } = await engine.submit(newTask());
      const { record: other } = await engine.submit(newTask());
      const [started, untouched] = [await manual.next(), await manual.next()];
      const cancelled = await engine.cancel(record.taskRef);
      expect(cancelled).toMatchObject({ status: 'cancelled', taskRef: record.taskRef });
      await eventually(() => started.context.signal.aborted, PROMPT_MS);
      started.context.reportProgress({ progress: 9 });
      started.complete('late');
      await sleep(20);
      expect(await engine.find(record.taskRef)).toStrictEqual(cancelled);
      expect(untouched.context.signal.aborted).toBe(false);
      untouched.complete('fine');
      expect(await engine.waitForEnd(other.taskRef, { timeoutMs: 5000 })).toMatchObject({ result: 'fine' });
    });

    test('of a task that has ended answers its record and changes nothing', async () => {
      const { engine, manual } = await openWithWorker();
      const { record } = await engine.submit(newTask());
      (await manual.next()).complete('done');
      const end = await engine.waitForEnd(record.taskRef, { timeoutMs: 5000 });
      expect(await engine.cancel(record.taskRef)).toStrictEqual(end);
      const second = await engine.submit(newTask());
      const cancelled = await engine.cancel(second.record.taskRef);
      expect(await engine.cancel(second.record.taskRef)).toStrictEqual(cancelled);
    });

    test('of no task answers undefined', async () => {
      const engine = await open();
      expect(await engine.cancel('nobody')).toBeUndefined();
    });

    test('keeps an idempotency key with the cancelled task', async () => {
      const engine = await open();
      const { record } = await engine.submit(newTask({ idempotencyKey: 'k' }));
      const cancelled = await engine.cancel(record.taskRef);
      expect(await engine.submit(newTask({ idempotencyKey: 'k' }))).toStrictEqual({
        record: cancelled,
        created: false,
      });
    });

    test('makes room for the next task once the executor has let go', async () => {
      const { engine, manual } = await openWithWorker(1);
      const { record } = await engine.submit(newTask());
      const { record: next } = await engine.submit(newTask());
      const started = await manual.next();
      await engine.cancel(record.taskRef);
      started.end({ status: 'failed', error: { code: 'X', message: 'Aborted', retryable: false } });
      expect((await manual.next()).record.taskRef).toBe(next.taskRef);
    });

    test('and a result at the same moment leave one end, which stays', async () => {
      const { engine, manual } = await openWithWorker();
      for (let round = 0; round < 50; round++) {
        const { record } = await engine.submit(newTask());
        const started = await manual.next();
        if (round % 2 === 0) started.complete('x');
        const first = await engine.cancel(record.taskRef);
        started.complete('x');
        const end = await engine.waitForEnd(record.taskRef, { timeoutMs: 5000 });
        expect(end).toStrictEqual(first);
        await sleep(0);
        expect(await engine.find(record.taskRef)).toStrictEqual(end);
      }
    });
  });

  describe('finish', () => {
    test('resolves at once when nothing is left to do', async () => {
      const { worker } = await openWithWorker();
      await worker.finish();
    });

    test('waits for what runs and for what its engine still has in the queue', async () => {
      const { engine, manual, worker } = await openWithWorker(1);
      const tasks = [newTask(), newTask(), newTask()];
      for (const task of tasks) await engine.submit(task);
      let finished = false;
      const finish = worker.finish().then(() => {
        finished = true;
      });
      for (const { taskRef } of tasks) {
        const started = await manual.next();
        expect(finished).toBe(false);
        expect(started.record.taskRef).toBe(taskRef);
        started.complete(null);
      }
      await finish;
      for (const { taskRef } of tasks)
        expect(await engine.find(taskRef)).toMatchObject({ status: 'completed' });
    });

    test('also runs what is submitted while it waits', async () => {
      const { engine, manual, worker } = await openWithWorker(1);
      await engine.submit(newTask());
      const finish = worker.finish();
      const first = await manual.next();
      await engine.submit(newTask());
      first.complete(null);
      (await manual.next()).complete(null);
      await finish;
    });

    test('may be called twice, and after the engine was drained', async () => {
      const { engine, manual, worker } = await openWithWorker(1);
      await engine.submit(newTask());
      await engine.submit(newTask());
      const finishes = [worker.finish(), worker.finish()];
      await manual.next();
      await worker.drain(0);
      await Promise.all([...finishes, worker.finish()]);
    });

    test('does not wait for a queued task that was cancelled', async () => {
      const { engine, manual, worker } = await openWithWorker(1);
      await engine.submit(newTask());
      const { record: queued } = await engine.submit(newTask());
      const started = await manual.next();
      const finish = worker.finish();
      await engine.cancel(queued.taskRef);
      started.complete(null);
      await finish;
      expect(manual.started).toHaveLength(1);
    });

    test('does not wait for tasks that the worker cannot run', async () => {
      const { engine, worker } = await openWithWorker();
      await engine.submit(newTask({ operation: 'unknown' }));
      await worker.finish();
    });
  });

  describe('drain', () => {
    test('lets running tasks end within the grace, and starts no other', async () => {
      const { engine, manual, worker } = await openWithWorker(1);
      const { record } = await engine.submit(newTask());
      const { record: queued } = await engine.submit(newTask());
      const started = await manual.next();
      const drain = worker.drain(10_000);
      expect(started.context.signal.aborted).toBe(false);
      started.complete('in time');
      await drain;
      expect(await engine.find(record.taskRef)).toMatchObject({ status: 'completed', result: 'in time' });
      await sleep(20);
      expect(await engine.find(queued.taskRef)).toStrictEqual(queued);
      expect(manual.started).toHaveLength(1);
    });

    test('fails what is left after the grace as stopped, worth another try, and aborts it', async () => {
      const { engine, manual, worker } = await openWithWorker();
      const { record } = await engine.submit(newTask());
      const started = await manual.next();
      await worker.drain(30);
      const stopped = await engine.find(record.taskRef);
      expect(stopped).toMatchObject({
        status: 'failed',
        error: { code: 'WORKER_STOPPED', retryable: true, message: expect.any(String) },
      });
      expect(started.context.signal.aborted).toBe(true);
      started.complete('too late');
      await sleep(20);
      expect(await engine.find(record.taskRef)).toStrictEqual(stopped);
    });

    test('tells which tasks it failed, and of no other', async () => {
      const lost: TaskRecord[] = [];
      const engine = await open({ onLost: record => lost.push(record) });
      const manual = new ManualExecute();
      const worker = engine.startWorker(manual.worker({ concurrency: 3 }));
      const [cancelled, done, left] = [newTask(), newTask(), newTask()];
      for (const task of [cancelled, done, left]) await engine.submit(task);
      await manual.next();
      (await manual.next()).complete('done');
      await manual.next();
      await engine.waitForEnd(done.taskRef, { timeoutMs: 5000 });
      await engine.cancel(cancelled.taskRef);
      await worker.drain(0);
      expect(lost).toStrictEqual([await engine.find(left.taskRef)]);
      await engine.close();
      expect(lost).toHaveLength(1);
    });

    test('ends the waits for what it fails', async () => {
      const { engine, manual, worker } = await openWithWorker();
      const { record } = await engine.submit(newTask());
      await manual.next();
      const wait = engine.waitForEnd(record.taskRef, { timeoutMs: 20_000 });
      await worker.drain(0);
      expect(await wait).toMatchObject({ error: { code: 'WORKER_STOPPED' } });
    });

    test('resolves at once when nothing runs, whatever the grace, and may be called twice', async () => {
      const { worker } = await openWithWorker();
      const begunAt = performance.now();
      await Promise.all([worker.drain(20_000), worker.drain(20_000)]);
      expect(performance.now() - begunAt).toBeLessThan(PROMPT_MS);
    });
  });
}
