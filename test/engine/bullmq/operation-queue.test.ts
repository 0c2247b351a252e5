import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { OperationQueue } from '../../../src/engine/bullmq/operation-queue.js';
import { StoreCalls } from '../../../src/engine/store-calls.js';
import { newTaskRef } from '../../../src/engine/task-ref.js';
import { sleep } from '../../../src/time/sleep.js';
import { describeWith, SERVICE_NAMES } from '../../services/index.js';
import { newTask, OPERATION } from '../scripted.js';
import { BullmqStore } from './bullmq-store.js';

for (const name of SERVICE_NAMES) {
  describeWith(name, `a queue on ${name}`, service => {
    test('gives out the message that an end brings along, however late the store answers', async () => {
      const store = new BullmqStore(name, service().url);
      onTestFinished(() => store.close());
      const { connection, faults } = await store.open();
      const faulty = { ...connection, backend: (name: string) => faults.wrap(connection.backend(name)) };
      const calls = new StoreCalls({ label: 'test', patienceMs: 500, isConnectionError: () => false });
      const queue = new OperationQueue(OPERATION, faulty, calls);
      const refs = [newTaskRef(OPERATION), newTaskRef(OPERATION)];
      for (const taskRef of refs) await queue.add({ taskRef, owner: 'alice', dueAt: 0 });
      const { taskRef = '' } = (await queue.take('token', [])) ?? {};
      const answer = faults.hold('moveToCompleted');
      const next = queue.finish(taskRef, { token: 'token', takeNext: true });
      await answer.reached;
      await sleep(600);
      answer.release();
      expect((await next).taskRef).toBe(refs[1]);
    });

    test('puts messages of full owners one turn back, and gives them out later', async () => {
      const store = new BullmqStore(name, service().url);
      onTestFinished(() => store.close());
      const { connection } = await store.open();
      const calls = new StoreCalls({ label: 'test', isConnectionError: () => false });
      const queue = new OperationQueue(OPERATION, connection, calls);
      const owners = ['alice', 'alice', 'bob'];
      const messages = owners.map(owner => ({ taskRef: newTaskRef(OPERATION), owner, dueAt: 0 }));
      for (const message of messages) await queue.add(message);
      const taken = async (...fullOwners: string[]) => (await queue.take('token', fullOwners))?.taskRef;
      expect(await queue.presentTurn()).toBe(0);
      expect(await taken('alice')).toBe(messages[2]?.taskRef);
      expect(await queue.presentTurn()).toBe(1);
      expect(await queue.take('token', ['alice'])).toBeUndefined();
      const rest = [await taken(), await taken()];
      expect(rest.toSorted()).toEqual([messages[0]?.taskRef, messages[1]?.taskRef].toSorted());
      expect(await queue.take('token', ['alice'])).toEqual({});
    });
  });
}

describeWith('PostgreSQL', 'a submit on PostgreSQL', service => {
  const madeTables = async () => {
    const client = new pg.Client(service().url);
    await client.connect();
    const { rows } = await client.query("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'pg_temp_%'");
    await client.end();
    return rows.length > 0;
  };

  // Each table that BullMQ makes for a bulk writes 300 rows of the catalogs and of their indexes.
  test('makes a table only where many tasks are submitted at once', async () => {
    const store = new BullmqStore('PostgreSQL', service().url);
    onTestFinished(() => store.close());
    const { engine } = await store.open();
    await engine.submit(newTask());
    await engine.submit(newTask());
    expect(await madeTables()).toBe(false);

    // The first of them goes alone, and so may the first of those that were stored with the next statement.
    await Promise.all(Array.from({ length: 10 }, () => engine.submit(newTask())));
    expect(await madeTables()).toBe(true);
  });

  test('of several operations is listened for without a warning of pg', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const store = new BullmqStore('PostgreSQL', service().url);
    onTestFinished(async () => {
      process.off('warning', note);
      await store.close();
    });
    const { engine } = await store.open();
    const operations = ['one', 'two', 'three', 'four'];
    engine.startWorker({
      operations,
      concurrency: 4,
      execute: async () => ({ status: 'completed', result: null }),
    });
    for (const operation of operations) {
      const { record } = await engine.submit({ ...newTask(), operation, taskRef: newTaskRef(operation) });
      const end = await engine.waitForEnd(record.taskRef, { timeoutMs: 20_000 });
      expect(end).toMatchObject({ status: 'completed' });
    }
    expect(warnings).toEqual([]);
  });
});
