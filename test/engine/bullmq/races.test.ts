import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TaskRecord } from '../../../src/engine/task-record.js';
import { sleep } from '../../../src/time/sleep.js';
import { describeWith, SERVICE_NAMES } from '../../services/index.js';
import { eventually, ManualExecute, newTask, OPERATION } from '../scripted.js';
import { BullmqStore, beginAndDie, bullmqQueue } from './bullmq-store.js';

const delivery = { status: 'pending', attempts: 1 } as const;
const LONG_RESULT = 'x'.repeat(10_000);

for (const name of SERVICE_NAMES) {
  describeWith(name, `two processes at one task, on ${name}`, service => {
    let store: BullmqStore;

    beforeEach(() => {
      store = new BullmqStore(name, service().url);
    });

    afterEach(() => store.close());

    async function openTwo() {
      const slow = await store.open();
      const { engine: quick } = await store.open();
      const { record } = await quick.submit(
        newTask({ retryAttempts: 1, webhookUrl: 'https://example.com/' }),
      );
      const { taskRef } = record;
      // Both know the operation from now on, so that the next thing that is read is the job.
      await slow.engine.find(taskRef);
      return { slow, quick, taskRef };
    }

    async function openWorker() {
      const { engine } = await store.open();
      const manual = new ManualExecute();
      engine.startWorker(manual.worker());
      return manual;
    }

    // On PostgreSQL, changes that come while another is made share a statement.
    test('of several changes at once, one counts', async () => {
      const { slow, taskRef } = await openTwo();
      const { record: other } = await slow.engine.submit(newTask());
      const { records } = slow.connection;
      const begin = (ref: string, worker: string) =>
        records.change(ref, {
          from: ['pending'],
          set: { status: 'processing', worker, updatedAt: Date.now() },
        });
      const begun = await Promise.all([
        begin(other.taskRef, 'a'),
        begin(taskRef, 'b'),
        begin(taskRef, 'c'),
        begin(taskRef, 'd'),
      ]);
      expect(begun.map(fields => fields !== undefined)).toEqual([true, true, false, false]);
      expect((await records.read(taskRef))?.worker).toBe('b');
    });

    test('a task that is stored with the second try is run, whatever became of its first message', async () => {
      const { engine, faults, connection } = await store.open();
      const manual = await openWorker();
      let stored = 0;
      // The worker takes what was announced beside the first try.
      faults.answer('insert', async (...task: Parameters<typeof connection.records.insert>) => {
        if (stored++ > 0) return connection.records.insert(...task);
        await sleep(100);
        throw Object.assign(new Error('It was not stored.'), { code: 'ECONNRESET' });
      });
      const { record } = await engine.submit(newTask());
      const run = await manual.next();
      expect(run.record.taskRef).toBe(record.taskRef);
      run.complete(null);
      await engine.waitForEnd(record.taskRef, { timeoutMs: 5000 });
    });

    test('a task that is submitted again and again with its key has one message', async () => {
      const { engine, connection } = await store.open();
      const submit = () => engine.submit(newTask({ idempotencyKey: 'again' }));
      await submit();
      const again = await Promise.all(Array.from({ length: 20 }, submit));
      expect(again.map(({ created }) => created)).not.toContain(true);
      const queue = bullmqQueue(connection, OPERATION);
      expect(await queue.getJobCounts('waiting', 'prioritized', 'delayed')).toEqual({
        waiting: 1,
        prioritized: 0,
        delayed: 0,
      });
    });

    test('a delivery that is noted late leaves the task cancelled', async () => {
      const { slow, quick, taskRef } = await openTwo();
      const change = slow.faults.holdBefore('change');
      const noting = slow.engine.recordDelivery(taskRef, delivery);
      await change.reached;
      const cancelled = await quick.cancel(taskRef);
      change.release();
      await noting;
      expect(await quick.find(taskRef)).toStrictEqual({ ...cancelled, delivery });
    });

    test('a delivery that is noted late leaves a long result', async () => {
      const { slow, quick, taskRef } = await openTwo();
      const manual = await openWorker();
      const { complete } = await manual.next();
      const change = slow.faults.holdBefore('change');
      const noting = slow.engine.recordDelivery(taskRef, delivery);
      await change.reached;
      complete(LONG_RESULT);
      const end = await quick.waitForEnd(taskRef, { timeoutMs: 5000 });
      change.release();
      await noting;
      expect(end).toMatchObject({ status: 'completed', result: LONG_RESULT });
      expect(await quick.find(taskRef)).toStrictEqual({ ...end, delivery });
    });

    test('a delivery that is noted while a task runs is kept by its end', async () => {
      const { quick, taskRef } = await openTwo();
      const manual = await openWorker();
      const { complete } = await manual.next();
      await quick.recordDelivery(taskRef, delivery);
      complete(LONG_RESULT);
      expect(await quick.waitForEnd(taskRef, { timeoutMs: 5000 })).toMatchObject({
        status: 'completed',
        delivery,
      });
    });

    test('a second cancel does not change the first', async () => {
      const { slow, quick, taskRef } = await openTwo();
      const read = slow.faults.hold('read');
      const second = slow.engine.cancel(taskRef);
      await read.reached;
      const first = await quick.cancel(taskRef);
      await sleep(5);
      read.release();
      expect(await second).toStrictEqual(first);
      expect(await quick.find(taskRef)).toStrictEqual(first);
    });

    test('a cancel that comes too late leaves the result', async () => {
      const { slow, quick, taskRef } = await openTwo();
      const read = slow.faults.hold('read');
      const cancel = slow.engine.cancel(taskRef);
      await read.reached;
      const manual = await openWorker();
      (await manual.next()).complete(LONG_RESULT);
      const end = await quick.waitForEnd(taskRef, { timeoutMs: 5000 });
      read.release();
      expect(await cancel).toStrictEqual(end);
      expect(await quick.find(taskRef)).toStrictEqual(end);
    });

    test('a cancel that meets a start cancels the run', async () => {
      const { slow, quick, taskRef } = await openTwo();
      const read = slow.faults.hold('read');
      const cancel = slow.engine.cancel(taskRef);
      await read.reached;
      const { context } = await (await openWorker()).next();
      read.release();
      expect(await cancel).toMatchObject({ status: 'cancelled', runCount: 1 });
      await eventually(() => context.signal.aborted, 1000);
      expect(await quick.find(taskRef)).toStrictEqual(await cancel);
    });

    test('an end that comes while a wait before it begins to listen is noticed at once', async () => {
      const { slow, quick, taskRef } = await openTwo();
      const { record: other } = await quick.submit(newTask());
      const listening = slow.faults.holdBefore('listen');
      const first = slow.engine.waitForEnd(other.taskRef, { timeoutMs: 100 });
      await listening.reached;
      const read = slow.faults.hold('read');
      const second = slow.engine.waitForEnd(taskRef, { timeoutMs: 10_000 });
      await read.reached;
      await quick.cancel(taskRef);
      read.release();
      listening.release();
      const begunAt = performance.now();
      expect(await second).toMatchObject({ status: 'cancelled' });
      expect(performance.now() - begunAt).toBeLessThan(1000);
      await first;
    });

    test('a cancelled task stays so while a worker takes it out of the queue, even one that dies', async () => {
      const { quick, taskRef } = await openTwo();
      const { connection } = await store.open({ leaseMs: 500 });
      const cancelled = await quick.cancel(taskRef);
      await connection.backend(OPERATION).moveToActive('a worker that dies');
      expect(await quick.find(taskRef)).toStrictEqual(cancelled);
      const manual = await openWorker();
      await sleep(1500);
      expect(manual.started).toEqual([]);
      expect(await quick.find(taskRef)).toStrictEqual(cancelled);
    });
  });

  describeWith(name, `runs that are cut off, on ${name}`, service => {
    let store: BullmqStore;
    const lost: TaskRecord[] = [];
    const onLost = (record: TaskRecord) => void lost.push(record);

    beforeEach(() => {
      store = new BullmqStore(name, service().url);
      lost.splice(0);
    });

    afterEach(() => store.close());

    test('a worker that is cut off while it hands a task back leaves one lost run, and no more', async () => {
      const first = await store.open({ leaseMs: 600 });
      const worker = first.engine.startWorker(new ManualExecute().worker());
      const { record } = await first.engine.submit(newTask({ retryAttempts: 1 }));
      await eventually(async () => (await first.engine.find(record.taskRef))?.status === 'processing');
      first.faults.break('retryJob', 'moveJobFromActiveToWait');
      await worker.drain(0);
      const second = await store.open({ leaseMs: 600 });
      const manual = new ManualExecute();
      second.engine.startWorker(manual.worker());
      const again = await manual.next();
      expect(again.record).toMatchObject({ status: 'processing', runCount: 2 });
      expect(await second.engine.find(record.taskRef)).toMatchObject({ status: 'processing', runCount: 2 });
    });

    test('a task whose handing back is answered too late is run again', async () => {
      const { engine, faults, connection } = await store.open();
      const manual = new ManualExecute();
      const worker = engine.startWorker(manual.worker());
      const { record } = await engine.submit(newTask({ retryAttempts: 1 }));
      await manual.next();
      let answers = 0;
      faults.answer('change', async (...change: Parameters<typeof connection.records.change>) => {
        const changed = await connection.records.change(...change);
        if (answers++ === 0) throw Object.assign(new Error('The answer was lost.'), { code: 'ECONNRESET' });
        return changed;
      });
      await worker.drain(0);
      expect(answers).toBe(2);
      const other = await store.open();
      const next = new ManualExecute();
      other.engine.startWorker(next.worker());
      (await next.next()).complete('of the second run');
      const end = await engine.waitForEnd(record.taskRef, { timeoutMs: 5000 });
      expect(end).toMatchObject({ status: 'completed', result: 'of the second run', runCount: 2 });
    });

    test('a run whose lock was lost does not end the run after it, of the same worker', async () => {
      const { engine, faults } = await store.open({ leaseMs: 600 });
      const manual = new ManualExecute();
      engine.startWorker(manual.worker({ concurrency: 2 }));
      const repair = faults.break('extendLocks');
      const { record } = await engine.submit(newTask({ retryAttempts: 1 }));
      const first = await manual.next();
      const second = await manual.next();
      repair();
      first.complete('of the lost run');
      await sleep(700);
      expect(await engine.find(record.taskRef)).toMatchObject({ status: 'processing', runCount: 2 });
      expect(second.context.signal.aborted).toBe(false);
      second.complete('of the second run');
      expect(await engine.waitForEnd(record.taskRef, { timeoutMs: 5000 })).toMatchObject({
        status: 'completed',
        result: 'of the second run',
        runCount: 2,
      });
    });

    test('a task is lost although whoever found it so was cut off, and told of once', async () => {
      const { engine, connection } = await store.open({ leaseMs: 60_000, onLost });
      const { record } = await engine.submit(newTask());
      const other = await store.open({ leaseMs: 300, onLost });
      await beginAndDie(other.connection, OPERATION);
      other.faults.break('change');
      const dying = other.connection.backend(OPERATION);
      await eventually(async () => {
        await dying.moveStalledJobsToWait();
        return (await connection.backend(OPERATION).getState(record.taskRef)) !== 'active';
      });
      await store.open({ leaseMs: 300, onLost });
      const found = await engine.waitForEnd(record.taskRef, { timeoutMs: 3000 });
      const cancelled = await engine.cancel(record.taskRef);
      expect(found).toMatchObject({ status: 'failed', error: { code: 'WORKER_LOST' }, runCount: 1 });
      expect(cancelled).toStrictEqual(found);
      expect(lost).toStrictEqual([found]);
    });
  });
}
