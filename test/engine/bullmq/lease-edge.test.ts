import { expect, onTestFinished, test } from 'vitest';
import { sleep } from '../../../src/time/sleep.js';
import { describeWith, SERVICE_NAMES } from '../../services/index.js';
import { ManualExecute, newTask } from '../scripted.js';
import { BullmqStore } from './bullmq-store.js';

const LEASE_MS = 1500;
/** Long enough for a task to be found lost, and to be taken again by whoever would. */
const LATER_MS = 3 * LEASE_MS;

for (const name of SERVICE_NAMES) {
  describeWith(name, `at the edge of the lease, on ${name}, a task without retries`, service => {
    async function openTwo() {
      const store = new BullmqStore(name, service().url);
      onTestFinished(() => store.close());
      const slow = await store.open({ leaseMs: LEASE_MS });
      const other = await store.open({ leaseMs: LEASE_MS });
      const [slowRuns, otherRuns] = [new ManualExecute(), new ManualExecute()];
      const task = newTask({ retryAttempts: 0 });
      return { slow, other, slowRuns, otherRuns, task };
    }

    test('runs once where its lock lapses while it runs', async () => {
      const { slow, other, slowRuns, otherRuns, task } = await openTwo();
      slow.faults.break('extendLocks');
      slow.engine.startWorker(slowRuns.worker());
      await slow.engine.submit(task);
      await slowRuns.next();
      other.engine.startWorker(otherRuns.worker());
      const record = await other.engine.waitForEnd(task.taskRef, { timeoutMs: 10_000 });
      expect(record).toMatchObject({ status: 'failed', error: { code: 'WORKER_LOST' } });
      await sleep(LATER_MS);
      expect([...slowRuns.startedRefs, ...otherRuns.startedRefs]).toEqual([task.taskRef]);
    });

    test('whose lock has lapsed, and that nobody has released, is run on, and its end counts', async () => {
      const store = new BullmqStore(name, service().url);
      onTestFinished(() => store.close());
      const { engine, faults } = await store.open({ leaseMs: 4000 });
      faults.answer('extendLocks', async (taskRefs: readonly string[]) => taskRefs);
      const manual = new ManualExecute();
      engine.startWorker(manual.worker());
      const { record } = await engine.submit(newTask());
      const { context, complete } = await manual.next();
      await sleep(1200);
      expect(context.signal.aborted).toBe(false);
      complete('done');
      const end = await engine.waitForEnd(record.taskRef, { timeoutMs: 5000 });
      expect(end).toMatchObject({ status: 'completed', result: 'done', runCount: 1 });
    });

    test('runs once at most where the store says too late who has it', async () => {
      const { slow, other, slowRuns, otherRuns, task } = await openTwo();
      await slow.engine.submit(task);
      const claim = slow.faults.hold('moveToActive');
      slow.engine.startWorker(slowRuns.worker());
      await claim.reached;
      other.engine.startWorker(otherRuns.worker());
      const { complete } = await otherRuns.next();
      claim.release();
      await sleep(LATER_MS);
      complete('of the only run');
      const record = await other.engine.waitForEnd(task.taskRef, { timeoutMs: 10_000 });
      expect(record).toMatchObject({ status: 'completed', result: 'of the only run', runCount: 1 });
      expect([...slowRuns.startedRefs, ...otherRuns.startedRefs]).toEqual([task.taskRef]);
    });

    test('runs once at most where the store says too late that its run has begun', async () => {
      const { slow, other, slowRuns, otherRuns, task } = await openTwo();
      await slow.engine.submit(task);
      const claim = slow.faults.hold('change');
      slow.engine.startWorker(slowRuns.worker());
      await claim.reached;
      other.engine.startWorker(otherRuns.worker());
      const record = await other.engine.waitForEnd(task.taskRef, { timeoutMs: 10_000 });
      expect(record).toMatchObject({ status: 'failed', error: { code: 'WORKER_LOST' } });
      claim.release();
      await sleep(LATER_MS);
      expect(otherRuns.startedRefs).toEqual([]);
      expect(slowRuns.startedRefs.length).toBeLessThanOrEqual(1);
      expect(await other.engine.find(task.taskRef)).toStrictEqual(record);
    });
  });
}
