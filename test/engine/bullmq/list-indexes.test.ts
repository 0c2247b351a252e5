import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { connectPostgres } from '../../../src/engine/bullmq/postgres-connection.js';
import { lockTimes } from '../../../src/engine/bullmq/queue-connection.js';
import { describeWith } from '../../services/index.js';
import { eventually, newTask } from '../scripted.js';
import { BullmqStore } from './bullmq-store.js';

describeWith('Redis', 'the sets of tasks on Redis', service => {
  test('lose what has expired, and its key, and keep what is there', async () => {
    const store = new BullmqStore('Redis', service().url);
    const redis = new Redis(service().url);
    onTestFinished(async () => {
      redis.disconnect();
      await store.close();
    });
    const { engine, connection } = await store.open();
    const { record: kept } = await engine.submit(newTask({ idempotencyKey: 'kept' }));
    const expiring = ['alice', 'bob'].map(owner => newTask({ owner, idempotencyKey: 'gone', ttlMs: 1 }));
    for (const task of expiring) await engine.submit(task);
    const keysOf = async () => (await redis.keys(`${store.prefix}:_records:*`)).toSorted();
    const before = (await keysOf()).length;
    const taskRefs = [...expiring.map(({ taskRef }) => taskRef), kept.taskRef];
    await eventually(async () => (await connection.records.expired(10)).length === 2);
    await connection.records.remove(taskRefs);
    // Two records, two keys, and the sets of a second owner.
    expect(await keysOf()).toHaveLength(before - 5);
    const ofKept = [];
    for (const key of await keysOf()) {
      if ((await redis.type(key)) === 'zset') ofKept.push(...(await redis.zrange(key, 0, -1)));
    }
    expect(new Set(ofKept)).toEqual(new Set([kept.taskRef]));
    expect((await engine.list({ limit: 10 })).tasks.map(({ taskRef }) => taskRef)).toEqual([kept.taskRef]);
    expect(await engine.submit(newTask({ idempotencyKey: 'kept' }))).toMatchObject({ created: false });
  });
});

describeWith('PostgreSQL', 'our indexes on PostgreSQL', service => {
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
      DROP INDEX bullmq.mcp_await_job_stalled;
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
          'Our index could not be made, so looks for dead workers read all jobs: let the owner of the table bullmq.job start a server once.',
        fields: {
          indexes: 'mcp_await_job_stalled',
          error: 'must be owner of table job',
        },
      },
    ]);
    await store.open();
    expect(await notices()).toEqual([]);
  });

  test('are made once by many that start at the same time, without a word', async () => {
    const store = new BullmqStore('PostgreSQL', service().url);
    onTestFinished(() => store.close());
    const { connection } = await store.open();
    const owner = new pg.Client({ connectionString: service().url });
    await owner.connect();
    onTestFinished(() => owner.end());
    for (let round = 0; round < 5; round++) {
      await owner.query('DROP INDEX bullmq.mcp_await_job_stalled');
      const starts = await Promise.all(Array.from({ length: 8 }, () => start()));
      expect(starts.flat()).toEqual([]);
    }
    expect(await connection.ready()).toEqual([]);

    async function start() {
      const started = connectPostgres(service().url, { prefix: store.prefix, locks: lockTimes(30_000) });
      return started.ready().finally(() => started.close());
    }
  });
});
