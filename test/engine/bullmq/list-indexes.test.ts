import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { lockTimes } from '../../../src/engine/bullmq/lock-times.js';
import { connectPostgres } from '../../../src/engine/bullmq/postgres-connection.js';
import { digestJson } from '../../../src/storage/canonical-json.js';
import { describeWith } from '../../services/index.js';
import { newTask, OPERATION } from '../scripted.js';
import { BullmqStore } from './bullmq-store.js';

describeWith('Redis', 'the sets of lists on Redis', service => {
  test('lose what the queue has removed by itself, however much it is, and keep what is there', async () => {
    const store = new BullmqStore('Redis', service().url);
    const redis = new Redis(service().url);
    onTestFinished(async () => {
      redis.disconnect();
      await store.close();
    });
    const { engine, connection } = await store.open();
    const { record } = await engine.submit(newTask());
    const owners = ['alice', 'bob'].map(digestJson);
    const removed = Array.from({ length: 2500 }, (_, index) => ({
      taskRef: `removed_${index}`,
      ownerDigest: String(owners[index % 2]),
      createdAt: record.createdAt - 1 - index,
    }));
    await connection.note(OPERATION, removed);
    const younger = {
      taskRef: 'on-its-way',
      ownerDigest: String(owners[1]),
      createdAt: record.createdAt + 1,
    };
    await connection.note(OPERATION, [younger]);
    const backend = connection.backend(OPERATION);
    const membersOf = (set: string) => redis.zrange(backend.toKey(set), 0, -1);
    expect(await membersOf('listed')).toHaveLength(2502);

    await connection.prune(OPERATION, record.createdAt);
    const kept = `${record.taskRef} ${owners[0]}`;
    const coming = `${younger.taskRef} ${owners[1]}`;
    expect(await membersOf('listed')).toEqual([kept, coming]);
    expect(await membersOf(`listed:${owners[0]}`)).toEqual([kept]);
    expect(await membersOf(`listed:${owners[1]}`)).toEqual([coming]);
    expect((await engine.list({ limit: 10 })).tasks.map(({ taskRef }) => taskRef)).toEqual([record.taskRef]);
  });
});

describeWith('PostgreSQL', 'the indexes of lists on PostgreSQL', service => {
  test('are told to be missing by whoever may not make them, until the owner of the table starts', async () => {
    const store = new BullmqStore('PostgreSQL', service().url);
    const owner = new pg.Client({ connectionString: service().url });
    await owner.connect();
    onTestFinished(async () => {
      await owner.end();
      await store.close();
    });
    await store.open();
    await owner.query(`
      DROP INDEX bullmq.mcp_await_job_listed, bullmq.mcp_await_job_stalled;
      CREATE ROLE guest LOGIN;
      GRANT USAGE ON SCHEMA bullmq TO guest;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA bullmq TO guest;`);
    const url = new URL(service().url);
    url.username = 'guest';
    const notices = async () => {
      const connection = connectPostgres(url.href, { prefix: store.prefix, locks: lockTimes(30_000) });
      return connection.ready().finally(() => connection.close());
    };
    expect(await notices()).toEqual([
      {
        level: 'warn',
        message:
          'Our indexes could not be made, so lists and looks for dead workers read all tasks: let the owner of the table bullmq.job start a server once.',
        fields: {
          indexes: 'mcp_await_job_listed,mcp_await_job_stalled',
          error: 'must be owner of table job',
        },
      },
    ]);
    await store.open();
    expect(await notices()).toEqual([]);
  });
});
