import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeWith, SERVICE_NAMES, type ServiceName } from '../../services/index.js';
import { eventually, ManualExecute, newTask } from '../scripted.js';
import { BullmqStore } from './bullmq-store.js';

/** Cuts off everybody who listens. */
const CUT_OFF: Readonly<Record<ServiceName, (url: string) => Promise<void>>> = {
  async Redis(url) {
    const redis = new Redis(url);
    await redis.client('KILL', 'TYPE', 'pubsub');
    redis.disconnect();
  },
  async PostgreSQL(url) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()`);
    await client.end();
  },
};

for (const name of SERVICE_NAMES) {
  describeWith(name, `the words of changes on ${name}`, service => {
    let store: BullmqStore;
    beforeEach(() => {
      store = new BullmqStore(name, service().url);
    });
    afterEach(() => store.close());

    async function openListening(words: string[], gaps: string[] = []) {
      const opened = await store.open();
      await opened.connection.records.listen({
        onWord: (taskRef, word) => words.push(`${taskRef} ${word}`),
        onGap: () => gaps.push('gap'),
      });
      return opened;
    }

    test('are told at once, whoever changed the task, and of no other installation', async () => {
      const words: string[] = [];
      await openListening(words);
      const { engine } = await store.open();
      const other = new BullmqStore(name, service().url);
      const { engine: stranger } = await other.open();
      const manual = new ManualExecute();
      engine.startWorker(manual.worker());
      await stranger.cancel((await stranger.submit(newTask())).record.taskRef);
      const { taskRef } = (await engine.submit(newTask())).record;
      const { context, complete } = await manual.next();
      context.reportProgress({ progress: 1 });
      await eventually(() => words.length === 2, 1000);
      complete(null);
      await eventually(() => words.length === 3, 1000);
      expect(words).toEqual([`${taskRef} changed`, `${taskRef} changed`, `${taskRef} ended`]);
      await other.close();
    });

    test('are told again after a connection that broke, and that some may be missing', async () => {
      const [words, gaps]: string[][] = [[], []];
      const { engine } = await openListening(words as string[], gaps as string[]);
      await CUT_OFF[name](service().url);
      await eventually(() => gaps?.length === 1, 5000);
      const { taskRef } = (await engine.submit(newTask())).record;
      await engine.cancel(taskRef);
      await eventually(() => words?.length === 1, 1000);
      expect(words).toEqual([`${taskRef} ended`]);
    });

    test('that a worker could not hear, it makes up for', async () => {
      const { engine } = await store.open();
      const manual = new ManualExecute();
      engine.startWorker(manual.worker());
      const { taskRef } = (await engine.submit(newTask())).record;
      const { context } = await manual.next();
      await CUT_OFF[name](service().url);
      const { engine: other } = await store.open();
      await other.cancel(taskRef);
      await eventually(() => context.signal.aborted, 5000);
    });
  });
}
