import { afterEach, beforeEach, expect, test } from 'vitest';
import { sleep } from '../../../src/time/sleep.js';
import { describeWith, SERVICE_NAMES } from '../../services/index.js';
import { echo, eventually, ManualExecute, newTask, OPERATION } from '../scripted.js';
import { BullmqStore, beginAndDie, bullmqQueue } from './bullmq-store.js';

const LEASE_MS = 600;

for (const name of SERVICE_NAMES) {
  describeWith(name, `what every engine does for a store on ${name}`, service => {
    let store: BullmqStore;

    beforeEach(() => {
      store = new BullmqStore(name, service().url);
    });

    afterEach(() => store.close());

    test('gives a task whose worker died its whole time to live again', async () => {
      const { engine, connection } = await store.open({ leaseMs: LEASE_MS });
      const { record } = await engine.submit(newTask({ retryAttempts: 1, ttlMs: 1000 }));
      const backend = connection.backend(OPERATION);
      const token = await beginAndDie(connection, OPERATION);
      for (let count = 0; count < 20; count++) {
        await backend.extendLocks([record.taskRef], [token], LEASE_MS / 2);
        await sleep(50);
      }
      const again = await eventually(async () => {
        const found = await engine.find(record.taskRef);
        return found?.status === 'processing' ? undefined : found;
      });
      expect(again).toMatchObject({ status: 'pending', runCount: 1 });
      expect(again.expiresAt).toBeGreaterThan(record.createdAt + 2000);
    });

    test('does not run a task again that expired after it was handed back', async () => {
      const first = await store.open();
      const worker = first.engine.startWorker(new ManualExecute().worker());
      const { record } = await first.engine.submit(newTask({ retryAttempts: 1, ttlMs: 1500 }));
      await eventually(async () => (await first.engine.find(record.taskRef))?.status === 'processing');
      await worker.drain(0);
      await eventually(async () => (await first.engine.find(record.taskRef)) === undefined);
      const second = await store.open();
      const manual = new ManualExecute();
      second.engine.startWorker(manual.worker());
      const { record: next } = await second.engine.submit(newTask());
      const started = await manual.next();
      expect(started.record.taskRef).toBe(next.taskRef);
      expect(await second.engine.find(record.taskRef)).toBeUndefined();
      started.complete(null);
    });

    test('removes what has expired, thousands at a time', async () => {
      const { engine, connection } = await store.open();
      const many = Array.from({ length: 1500 }, () => engine.submit(newTask({ ttlMs: 1 })));
      await Promise.all(many);
      const { record: kept } = await engine.submit(newTask());
      await store.open({ leaseMs: LEASE_MS });
      const queue = bullmqQueue(connection, OPERATION);
      const waiting = async () => {
        const { waiting = 0, prioritized = 0 } = await queue.getJobCounts('waiting', 'prioritized');
        return waiting + prioritized;
      };
      await eventually(async () => (await waiting()) === 1, 60_000);
      expect(await engine.find(kept.taskRef)).toStrictEqual(kept);
    }, 120_000);

    test('knows how long the oldest of many has waited', async () => {
      const { engine } = await store.open();
      await engine.submit(newTask());
      await sleep(50);
      const youngerSince = Date.now();
      await Promise.all(Array.from({ length: 510 }, () => engine.submit(newTask())));
      const begunAt = Date.now();
      const [stats] = await engine.stats(60_000);
      expect(stats).toMatchObject({ pending: 511 });
      expect(stats?.oldestWaitMs).toBeGreaterThan(begunAt - youngerSince + 30);
    }, 120_000);

    test('fails lost tasks whatever is in another queue, and whatever its owner does when it is told', async () => {
      const onLost = () => {
        throw new Error('The owner has a fault.');
      };
      const { engine, connection } = await store.open({ leaseMs: LEASE_MS, onLost });
      await engine.submit(newTask({ operation: 'another' }));
      await bullmqQueue(connection, 'another').add('foreign', 'no JSON', { jobId: 'foreign' });
      const tasks = [newTask(), newTask()];
      for (const task of tasks) await engine.submit(task);
      for (const operation of ['another', OPERATION, OPERATION]) await beginAndDie(connection, operation);
      await connection.backend('another').moveToActive('a worker that dies');
      for (const { taskRef } of tasks) {
        expect(await engine.waitForEnd(taskRef, { timeoutMs: 5000 })).toMatchObject({ status: 'failed' });
      }
    });

    test('lets a worker hear of cancels although it could not when it started', async () => {
      const { engine, faults } = await store.open();
      const repair = faults.break('listen');
      const manual = new ManualExecute();
      engine.startWorker(manual.worker());
      const { record } = await engine.submit(newTask());
      const { context } = await manual.next();
      repair();
      await sleep(1500);
      const { engine: other } = await store.open();
      await other.cancel(record.taskRef);
      await eventually(() => context.signal.aborted, 1000);
    });

    test('lets a worker go on after a job that nobody can read', async () => {
      const { engine, connection } = await store.open();
      await bullmqQueue(connection, OPERATION).add('foreign', 'no JSON', { jobId: 'foreign' });
      engine.startWorker({ execute: echo, operations: [OPERATION], concurrency: 1 });
      const { record } = await engine.submit(newTask());
      expect(await engine.waitForEnd(record.taskRef, { timeoutMs: 5000 })).toMatchObject({
        status: 'completed',
      });
    });
  });
}
