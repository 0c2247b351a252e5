import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { connectPostgres } from '../../../src/engine/bullmq/postgres-connection.js';
import { lockTimes } from '../../../src/engine/bullmq/queue-connection.js';
import { connectRedis } from '../../../src/engine/bullmq/redis-connection.js';
import { openEngine } from '../../../src/engine/open-engine.js';
import { newTaskRef } from '../../../src/engine/task-ref.js';
import { describeWith, SERVICE_NAMES, type ServiceName } from '../../services/index.js';
import { beginAndDie } from './bullmq-store.js';

const LEASE_MS = 1000;
const CONNECT = { Redis: connectRedis, PostgreSQL: connectPostgres };

for (const name of SERVICE_NAMES) {
  describeWith(name, `tasks on ${name} whose worker died`, service => {
    test('fail as lost within the lease, without any worker', async () => {
      const { engine, taskRef } = await taken(name, service().url, 0);
      const record = await engine.waitForEnd(taskRef, { timeoutMs: 5 * LEASE_MS });
      expect(record).toMatchObject({ status: 'failed', error: { code: 'WORKER_LOST' }, runCount: 1 });
    });

    test('are run again where they may be', async () => {
      const { engine, taskRef } = await taken(name, service().url, 1);
      const execute = async () => ({ status: 'completed', result: 'done' }) as const;
      engine.startWorker({ execute, operations: ['copy'], concurrency: 1 });
      const record = await engine.waitForEnd(taskRef, { timeoutMs: 10 * LEASE_MS });
      expect(record).toMatchObject({ status: 'completed', result: 'done', runCount: 2 });
    });
  });
}

/** A task that somebody has taken who says nothing any more. */
async function taken(name: ServiceName, url: string, retryAttempts: number) {
  const prefix = `test_${randomBytes(6).toString('hex')}`;
  const engine = await openEngine(url, { keyPrefix: `${prefix}:`, leaseMs: LEASE_MS });
  onTestFinished(() => engine.close());
  const taskRef = newTaskRef('copy');
  const limits = { slaMs: 60_000, ttlMs: 60_000, retryAttempts };
  await engine.submit({ taskRef, owner: 'local', operation: 'copy', parameters: {}, ...limits });
  const connection = CONNECT[name](url, { prefix, locks: lockTimes(LEASE_MS) });
  await beginAndDie(connection, 'copy');
  await connection.close();
  return { engine, taskRef };
}
