import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { startProxy } from '../../services/frozen-proxy.js';
import { describeWith, SERVICE_NAMES } from '../../services/index.js';
import { eventually, ManualExecute, newTask } from '../scripted.js';
import { BullmqStore } from './bullmq-store.js';

for (const name of SERVICE_NAMES) {
  describeWith(name, `engines whose ${name} is away`, service => {
    let store: BullmqStore;

    beforeEach(() => {
      store = new BullmqStore(name, service().url);
    });

    afterEach(() => store.close());

    async function openBusy() {
      const { engine } = await store.open();
      const manual = new ManualExecute();
      const worker = engine.startWorker(manual.worker({ concurrency: 2 }));
      const { record } = await engine.submit(newTask());
      const started = await manual.next();
      const wait = engine.waitForEnd(record.taskRef, { timeoutMs: 60_000 });
      return { engine, manual, worker, started, wait, taskRef: record.taskRef };
    }

    test('close all the same, in bounded time', async () => {
      const { engine, started, wait } = await openBusy();
      await service().kill();
      onTestFinished(() => service().start());
      const begunAt = performance.now();
      await Promise.all([engine.close(), wait.catch(() => {})]);
      expect(performance.now() - begunAt).toBeLessThan(25_000);
      expect(started.context.signal.aborted).toBe(true);
    });

    test('go on when it is back: what ended is kept, cancels are heard, new tasks are taken', async () => {
      const { engine, manual, started, wait } = await openBusy();
      await service().kill();
      started.complete('during the outage');
      await service().start();
      expect(await wait).toMatchObject({ status: 'completed', result: 'during the outage' });
      const { record } = await engine.submit(newTask());
      const next = await manual.next();
      const { engine: other } = await store.open();
      await other.cancel(record.taskRef);
      await eventually(() => next.context.signal.aborted, 2000);
    });

    test('go on over new connections when the old ones are silent for ever', async () => {
      const url = new URL(service().url);
      const proxy = await startProxy({ port: Number(url.port) });
      onTestFinished(() => proxy.close());
      url.port = String(proxy.port);
      const { engine } = await new BullmqStore(name, url.href).open();
      onTestFinished(() => engine.close());
      const manual = new ManualExecute();
      engine.startWorker(manual.worker());
      const { record } = await engine.submit(newTask());
      const { complete } = await manual.next();
      const begunAt = performance.now();
      proxy.freeze();
      complete('done');
      const end = await eventually(
        () =>
          engine.find(record.taskRef).then(
            found => (found?.status === 'completed' ? found : undefined),
            () => undefined,
          ),
        60_000,
      );
      expect(end.result).toBe('done');
      expect(performance.now() - begunAt).toBeLessThan(40_000);
    });

    test('take a task as soon as it comes, also after an outage in which they were idle', async () => {
      const { engine } = await store.open();
      const manual = new ManualExecute();
      engine.startWorker(manual.worker());
      await engine.submit(newTask());
      (await manual.next()).complete(null);
      await service().kill();
      await service().start();
      const { engine: front } = await store.open();
      for (let count = 0; count < 3; count++) {
        const { record } = await front.submit(newTask());
        const begunAt = performance.now();
        const { complete } = await manual.next();
        complete(null);
        await front.waitForEnd(record.taskRef, { timeoutMs: 10_000 });
        expect(performance.now() - begunAt).toBeLessThan(6000);
      }
    });
  });
}
