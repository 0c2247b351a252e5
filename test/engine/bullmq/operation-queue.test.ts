import { expect, onTestFinished, test } from 'vitest';
import { OperationQueue } from '../../../src/engine/bullmq/operation-queue.js';
import { StoreCalls } from '../../../src/engine/store-calls.js';
import { newTaskRef } from '../../../src/engine/task-ref.js';
import { sleep } from '../../../src/time/sleep.js';
import { describeWith, SERVICE_NAMES } from '../../services/index.js';
import { OPERATION } from '../scripted.js';
import { BullmqStore } from './bullmq-store.js';

for (const name of SERVICE_NAMES) {
  describeWith(name, `a queue on ${name}`, service => {
    test('gives out the job that an end brings along, however late the store answers', async () => {
      const store = new BullmqStore(name, service().url);
      onTestFinished(() => store.close());
      const { connection, faults } = await store.open();
      const queue = new OperationQueue(OPERATION, {
        connection: { ...connection, backend: operation => faults.wrap(connection.backend(operation)) },
        calls: new StoreCalls({ label: 'test', patienceMs: 500, isConnectionError: () => false }),
        retentionMs: 60_000,
      });
      const refs = [newTaskRef(OPERATION), newTaskRef(OPERATION)];
      for (const ref of refs)
        await queue.add(ref, { task: '{}', ownerDigest: '' }, { timestamp: Date.now() });
      const { job } = await queue.take('token');
      if (job === undefined) throw new Error('No job.');
      const answer = faults.hold('moveToCompleted');
      const next = queue.complete(job, 'null', { token: 'token', takeNext: true });
      await answer.reached;
      await sleep(600);
      answer.release();
      expect((await next).job?.id).toBe(refs[1]);
    });
  });
}
