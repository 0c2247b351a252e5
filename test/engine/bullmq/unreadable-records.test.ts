import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TaskRecord } from '../../../src/engine/task-record.js';
import { describeWith, SERVICE_NAMES, type ServiceName } from '../../services/index.js';
import { HeldWork, newTask, until } from '../engine-store.js';
import { BullmqStore } from './bullmq-store.js';

/** Replaces a field of a task's record, as another program would. */
const POISON: Readonly<Record<ServiceName, (url: string, taskRef: string, field: Field) => Promise<void>>> = {
  async Redis(url, taskRef, { name, value }) {
    const redis = new Redis(url);
    const [key = ''] = await redis.keys(`*:_records:${taskRef}`);
    await redis.hset(key, name, value);
    redis.disconnect();
  },
  async PostgreSQL(url, taskRef, { name, value }) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(`UPDATE bullmq.mcp_await_task SET "${name}" = $1 WHERE "taskRef" = $2`, [
      value,
      taskRef,
    ]);
    await client.end();
  },
};

interface Field {
  readonly name: string;
  readonly value: string;
}

for (const name of SERVICE_NAMES) {
  describeWith(name, `a task on ${name} that cannot be read`, service => {
    let store: BullmqStore;
    beforeEach(() => {
      store = new BullmqStore(name, service().url);
    });
    afterEach(() => store.close());

    test.each([
      ['what never changes is an empty object', 'task', '{}'],
      ['what never changes is of a newer form', 'task', '{"v":9,"owner":5}'],
      ['what never changes is no object', 'task', '5'],
      ['its parameters are no JSON', 'parameters', '{'],
      ['its questions are none', 'questions', '5'],
    ])('since %s fails, is told, and holds up no other', async (_case, field, value) => {
      const lost: TaskRecord[] = [];
      const { engine } = await store.open({ leaseMs: 1000, onLost: record => lost.push(record) });
      const submit = async () => (await engine.submit(newTask())).record.taskRef;
      const [bad, good] = [await submit(), await submit()];
      await POISON[name](service().url, bad, { name: field, value });
      const INVALID = { status: 'failed', error: { code: 'INVALID_RECORD', retryable: false } };
      const isParameters = field === 'parameters';
      expect(await engine.find(bad)).toMatchObject(isParameters ? { status: 'pending' } : INVALID);
      const { started, execute } = new HeldWork();
      engine.startWorker({ execute, operations: ['work'], concurrency: 1 });
      await until(() => started.length === 1 && lost.length === 1);
      expect(started).toMatchObject([{ record: { taskRef: good } }]);
      expect(lost).toMatchObject([{ taskRef: bad, ...INVALID }]);
      expect(await engine.waitForEnd(bad, { timeoutMs: 1000 })).toMatchObject(INVALID);
      expect(await engine.cancel(bad)).toMatchObject(INVALID);
      expect(await engine.answer(bad, { key: { action: 'decline' } })).toMatchObject(INVALID);
      await engine.recordDelivery(bad, { status: 'pending', attempts: 0 });
      expect(await engine.stats(60_000)).toMatchObject([{ failed: 1, processing: 1, pending: 0 }]);
    });
  });
}

describeWith('Redis', 'a Redis that came back empty', service => {
  let store: BullmqStore;
  beforeEach(() => {
    store = new BullmqStore('Redis', service().url);
  });
  afterEach(() => store.close());

  test('has the tasks that it takes afterwards found and counted by every engine', async () => {
    const [one, other] = [await store.open({ leaseMs: 1000 }), await store.open({ leaseMs: 1000 })];
    await one.engine.submit(newTask());
    const redis = new Redis(service().url);
    const keys = await redis.keys(`${store.prefix}*`);
    await redis.del(...keys);
    redis.disconnect();
    const { taskRef } = (await one.engine.submit(newTask())).record;
    expect(await other.engine.find(taskRef)).toMatchObject({ status: 'pending' });
    const late = await store.open({ leaseMs: 1000 });
    expect(await late.engine.find(taskRef)).toMatchObject({ status: 'pending' });
    const fresh = await store.open({ leaseMs: 60_000 });
    await until(async () => (await fresh.engine.stats(60_000)).length === 1, 5000);
  });
});
