import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { BullmqEngine } from '../../../src/engine/bullmq/bullmq-engine.js';
import { lockTimes } from '../../../src/engine/bullmq/lock-times.js';
import { connectPostgres } from '../../../src/engine/bullmq/postgres-connection.js';
import type { QueueConnection } from '../../../src/engine/bullmq/queue-connection.js';
import { connectRedis } from '../../../src/engine/bullmq/redis-connection.js';
import { newTaskRef } from '../../../src/engine/task-ref.js';
import { describeWith, SERVICE_NAMES } from '../../services/index.js';

const CONNECT = { Redis: connectRedis, PostgreSQL: connectPostgres };
const LOCKS = lockTimes(30_000);

for (const name of SERVICE_NAMES) {
  describeWith(name, `a cancel on ${name}`, service => {
    test('of a task that is started at that moment tells no worker that it has ended before it has', async () => {
      const prefix = `test_${randomBytes(6).toString('hex')}`;
      const connection = CONNECT[name](service().url, { prefix, locks: LOCKS });
      await connection.ready();
      const worker = connection.backend('copy');
      const events: unknown[] = [];
      const engine = engineOn(connection, {
        beforeUpdate: () => worker.moveToActive('the token of a worker'),
        onEvent: event => events.push(event),
      });
      onTestFinished(() => engine.close());
      const taskRef = newTaskRef('copy');
      const limits = { slaMs: 60_000, ttlMs: 60_000 };
      await engine.submit({ taskRef, owner: 'local', operation: 'copy', parameters: {}, ...limits });

      const record = await engine.cancel(taskRef);

      expect(events).toEqual([]);
      expect(record).toMatchObject({ status: 'cancelled', runCount: 1 });
    });
  });
}

interface Taps {
  beforeUpdate(): Promise<unknown>;
  onEvent(event: unknown): void;
}

/** An engine on a connection that lets something happen before a job's data is replaced. */
function engineOn(connection: QueueConnection, { beforeUpdate, onEvent }: Taps): BullmqEngine {
  const tapped: QueueConnection = {
    ...connection,
    async replaceData(operation, change) {
      await beforeUpdate();
      return connection.replaceData(operation, change);
    },
    backend(operation) {
      const backend = connection.backend(operation);
      const { publishEvent } = backend;
      backend.publishEvent = async (event, ...rest) => {
        onEvent(event);
        return publishEvent.call(backend, event, ...rest);
      };
      return backend;
    },
  };
  const options = {
    label: 'test',
    locks: LOCKS,
    maxResultBytes: 1e6,
    retentionMs: 60_000,
    onLost() {},
    onNotice() {},
  };
  return new BullmqEngine({ connection: tapped, ...options });
}
