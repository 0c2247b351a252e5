import { describe, expect, test } from 'vitest';
import { sleep } from '../../../src/time/sleep.js';
import { completed, HeldWork, newTask, until } from '../engine-store.js';
import { type CreateStore, useStore } from './opened.js';

export function describeWorker(createStore: CreateStore): void {
  const open = useStore(createStore);

  async function openWithWork(concurrency: number) {
    const engine = await open();
    const work = new HeldWork();
    const worker = engine.startWorker({ execute: work.execute, operations: ['work'], concurrency });
    const submit = async () => (await engine.submit(newTask())).record.taskRef;
    return { engine, work, worker, submit };
  }

  describe('a worker', () => {
    test('runs the oldest task first, also those from before its start', async () => {
      const engine = await open();
      const taskRefs: string[] = [];
      for (let i = 0; i < 10; i++) taskRefs.push((await engine.submit(newTask())).record.taskRef);
      const order: string[] = [];
      engine.startWorker({
        execute: async ({ record }) => {
          order.push(record.taskRef);
          return completed(null);
        },
        operations: ['work'],
        concurrency: 1,
      });
      await until(() => order.length === 10);
      expect(order).toEqual(taskRefs);
    });

    test('runs as many tasks at a time as it may, and takes the next when one ends', async () => {
      const { work, submit } = await openWithWork(2);
      const [first] = [await submit(), await submit(), await submit()];
      await work.startedCount(2);
      await sleep(20);
      expect(work.started).toHaveLength(2);
      work.end(first, completed(null));
      await work.startedCount(3);
    });

    test('leaves tasks of other operations alone', async () => {
      const { engine, work, submit } = await openWithWork(5);
      const other = await engine.submit(newTask({ operation: 'rest' }));
      await submit();
      await work.startedCount(1);
      await sleep(20);
      expect(work.started).toHaveLength(1);
      expect(await engine.find(other.record.taskRef)).toMatchObject({ status: 'pending' });
    });

    test('is the only one of its engine', async () => {
      const { engine, work } = await openWithWork(1);
      const options = { execute: work.execute, operations: ['work'], concurrency: 1 };
      expect(() => engine.startWorker(options)).toThrow(TypeError);
    });

    test('keeps callers answered while it works through a backlog', async () => {
      const engine = await open();
      for (let i = 0; i < 200; i++) await engine.submit(newTask());
      let done = 0;
      const execute = async () => {
        done++;
        return completed(null);
      };
      engine.startWorker({ execute, operations: ['work'], concurrency: 10 });
      const doneAtTurns: number[] = [];
      await until(() => doneAtTurns.push(done) > 0 && done === 200);
      expect(new Set(doneAtTurns).size).toBeGreaterThan(10);
    });
  });

  describe('finish', () => {
    test('resolves at once when there is nothing to do', async () => {
      const { worker } = await openWithWork(1);
      await worker.finish();
    });

    test('runs everything that was submitted here, then resolves', async () => {
      const { engine, work, worker, submit } = await openWithWork(1);
      const taskRefs = [await submit(), await submit()];
      let finished = false;
      const finish = worker.finish().then(() => {
        finished = true;
      });
      for (const [index, taskRef] of taskRefs.entries()) {
        await work.startedCount(index + 1);
        expect(finished).toBe(false);
        work.end(taskRef, completed(index));
      }
      await finish;
      for (const taskRef of taskRefs) {
        expect(await engine.find(taskRef)).toMatchObject({ status: 'completed' });
      }
    });

    test('does not wait for a queued task that was cancelled', async () => {
      const { engine, work, worker, submit } = await openWithWork(1);
      const [running, queued] = [await submit(), await submit()];
      await work.startedCount(1);
      const finish = worker.finish();
      await engine.cancel(queued);
      work.end(running, completed(null));
      await finish;
      expect(work.started).toHaveLength(1);
    });
  });

  describe('drain', () => {
    test('takes no new task and lets what runs end', async () => {
      const { engine, work, worker, submit } = await openWithWork(1);
      const [running, queued] = [await submit(), await submit()];
      await work.startedCount(1);
      const drain = worker.drain(10_000);
      work.end(running, completed('in time'));
      await drain;
      expect(await engine.find(running)).toMatchObject({ status: 'completed', result: 'in time' });
      expect(await engine.find(queued)).toMatchObject({ status: 'pending' });
    });

    test('fails what has not ended after the grace, and aborts it', async () => {
      const { engine, work, worker, submit } = await openWithWork(1);
      const taskRef = await submit();
      await work.startedCount(1);
      await worker.drain(10);
      const ended = await engine.find(taskRef);
      expect(ended).toMatchObject({ status: 'failed', error: { code: 'WORKER_STOPPED', retryable: true } });
      expect(work.context(taskRef).signal.aborted).toBe(true);
      work.end(taskRef, completed('too late'));
      await sleep(20);
      expect(await engine.find(taskRef)).toEqual(ended);
    });
  });

  describe('close', () => {
    test('may be called twice, and refuses what comes later', async () => {
      const engine = await open();
      await engine.close();
      await engine.close();
      await expect(engine.submit(newTask())).rejects.toThrow(/closed/);
      await expect(engine.find('task')).rejects.toThrow(/closed/);
    });

    test('aborts what runs', async () => {
      const { engine, work, submit } = await openWithWork(1);
      const taskRef = await submit();
      await work.startedCount(1);
      await engine.close();
      expect(work.context(taskRef).signal.aborted).toBe(true);
    });
  });
}
