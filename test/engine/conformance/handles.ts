import { describe, expect } from 'vitest';
import { sleep } from '../../../src/time/sleep.js';
import type { Bench } from '../conformance.js';
import { echo, eventually, ManualExecute, newTask, OPERATION, PROMPT_MS } from '../scripted.js';

/** Long enough for a worker that is free to take a task that waits. */
const SOON_MS = 300;

/** Several engines on one store, as if each were a process. */
export function describeHandles({ open, unless }: Bench): void {
  describe('several engines on one store', () => {
    const handles = unless('several-handles');
    const affinity = unless('several-handles', 'affinity');

    async function openWorker(concurrency = 1) {
      const engine = await open();
      const manual = new ManualExecute();
      const worker = engine.startWorker(manual.worker({ concurrency }));
      return { engine, manual, worker };
    }

    handles('see the same records', async () => {
      const [one, two] = [await open(), await open()];
      const { record } = await one.submit(newTask());
      expect(await two.find(record.taskRef)).toStrictEqual(record);
      const cancelled = await two.cancel(record.taskRef);
      expect(await one.find(record.taskRef)).toStrictEqual(cancelled);
    });

    handles('run what a front without a worker has taken in, and its wait ends', async () => {
      const front = await open();
      const { manual } = await openWorker();
      const { record } = await front.submit(newTask());
      const wait = front.waitForEnd(record.taskRef, { timeoutMs: 20_000 });
      const started = await manual.next();
      started.context.reportProgress({ progress: 1 });
      await eventually(async () => (await front.find(record.taskRef))?.progress?.progress === 1);
      const begunAt = performance.now();
      started.complete('done');
      expect(await wait).toMatchObject({ status: 'completed', result: 'done' });
      expect(performance.now() - begunAt).toBeLessThan(PROMPT_MS);
    });

    handles('cancel a task that another one runs: its signal aborts promptly', async () => {
      const front = await open();
      const { manual } = await openWorker();
      const { record } = await front.submit(newTask());
      const started = await manual.next();
      const cancelled = await front.cancel(record.taskRef);
      await eventually(() => started.context.signal.aborted, PROMPT_MS);
      started.complete('late');
      await sleep(50);
      expect(await front.find(record.taskRef)).toStrictEqual(cancelled);
    });

    handles('share the queue of a front: every task runs once', async () => {
      const front = await open();
      const runs: string[] = [];
      const execute = async ({ record }: { record: { taskRef: string } }) => {
        runs.push(record.taskRef);
        await sleep(1);
        return { status: 'completed', result: null } as const;
      };
      for (const engine of [await open(), await open(), await open()])
        engine.startWorker({ execute, operations: [OPERATION], concurrency: 7 });
      const submitted = await Promise.all(Array.from({ length: 200 }, () => front.submit(newTask())));
      const refs = submitted.map(({ record }) => record.taskRef);
      for (const taskRef of refs)
        expect(await front.waitForEnd(taskRef, { timeoutMs: 10_000 })).toMatchObject({ status: 'completed' });
      expect(runs.toSorted()).toEqual(refs.toSorted());
    });

    handles('take over what a closed engine has left in the queue', async () => {
      const first = await openWorker();
      const { record: running } = await first.engine.submit(newTask());
      const { record: queued } = await first.engine.submit(newTask());
      await first.manual.next();
      const second = await openWorker();
      await first.engine.close();
      expect((await second.manual.next()).record.taskRef).toBe(queued.taskRef);
      expect(await second.engine.find(running.taskRef)).toMatchObject({ status: 'failed' });
    });

    handles('take over what a drained worker has left in the queue', async () => {
      const first = await openWorker();
      const { record: running } = await first.engine.submit(newTask());
      const { record: queued } = await first.engine.submit(newTask());
      const started = await first.manual.next();
      const second = await openWorker();
      const drain = first.worker.drain(10_000);
      expect((await second.manual.next()).record.taskRef).toBe(queued.taskRef);
      started.complete('done');
      await drain;
      expect(await second.engine.find(running.taskRef)).toMatchObject({
        status: 'completed',
        result: 'done',
      });
    });

    affinity('leave a task to the worker of the engine that took it in', async () => {
      const busy = await openWorker();
      const idle = await openWorker();
      await busy.engine.submit(newTask());
      const { record: second } = await busy.engine.submit(newTask());
      const first = await busy.manual.next();
      await sleep(SOON_MS);
      expect(idle.manual.started).toHaveLength(0);
      first.complete(null);
      expect((await busy.manual.next()).record.taskRef).toBe(second.taskRef);
    });

    affinity('wait for their own tasks only when they finish', async () => {
      const front = await open();
      const { engine, manual, worker } = await openWorker();
      const own = await engine.submit(newTask());
      const foreign = await front.submit(newTask());
      const started = await manual.next();
      expect(started.record.taskRef).toBe(own.record.taskRef);
      const finish = worker.finish();
      started.complete(null);
      await finish;
      expect(manual.started).toHaveLength(1);
      expect(await front.find(foreign.record.taskRef)).toMatchObject({ status: 'pending' });
    });

    handles('keep their records when all of them have been closed', async () => {
      const first = await open();
      first.startWorker({ execute: echo, operations: [OPERATION], concurrency: 1 });
      const { record } = await first.submit(newTask({ idempotencyKey: 'k' }));
      const end = await first.waitForEnd(record.taskRef, { timeoutMs: 5000 });
      const queued = await first.submit(newTask({ operation: 'other' }));
      await first.close();
      const second = await open();
      expect(await second.find(record.taskRef)).toStrictEqual(end);
      expect(await second.find(queued.record.taskRef)).toStrictEqual(queued.record);
      expect(await second.submit(newTask({ idempotencyKey: 'k' }))).toStrictEqual({
        record: end,
        created: false,
      });
    });
  });
}
