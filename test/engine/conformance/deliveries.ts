import { describe, expect, test } from 'vitest';
import type { Bench } from '../conformance.js';
import { echo, newTask, OPERATION } from '../scripted.js';

/** How far the delivery of a webhook is. */
export function describeDeliveries({ open, unless }: Bench): void {
  const webhookUrl = 'https://example.com/hook';

  describe('deliveries', () => {
    test('are kept with a task that has ended, and change nothing else', async () => {
      const engine = await open();
      engine.startWorker({ execute: echo, operations: [OPERATION], concurrency: 1 });
      const { record } = await engine.submit(newTask({ webhookUrl }));
      const end = await engine.waitForEnd(record.taskRef, { timeoutMs: 5000 });
      const failing = {
        status: 'pending',
        attempts: 1,
        lastAttemptAt: 7,
        nextAttemptAt: 9,
        error: 'no',
      } as const;
      await engine.recordDelivery(record.taskRef, failing);
      expect(await engine.find(record.taskRef)).toStrictEqual({ ...end, delivery: failing });
      const delivered = { status: 'delivered', attempts: 2, lastAttemptAt: 9, responseStatus: 204 } as const;
      await engine.recordDelivery(record.taskRef, delivered);
      expect(await engine.find(record.taskRef)).toStrictEqual({ ...end, delivery: delivered });
    });

    test('of a task that has not ended are kept until after its end', async () => {
      const engine = await open();
      const { record } = await engine.submit(newTask({ webhookUrl }));
      const delivery = { status: 'pending', attempts: 0 } as const;
      await engine.recordDelivery(record.taskRef, delivery);
      engine.startWorker({ execute: echo, operations: [OPERATION], concurrency: 1 });
      const end = await engine.waitForEnd(record.taskRef, { timeoutMs: 5000 });
      expect(end).toMatchObject({ status: 'completed', webhookUrl, delivery });
    });

    test('of no task are nothing', async () => {
      const engine = await open();
      await engine.recordDelivery('nobody', { status: 'failed', attempts: 1 });
      expect(await engine.find('nobody')).toBeUndefined();
    });

    unless('several-handles')('are seen through every handle', async () => {
      const [one, two] = [await open(), await open()];
      const { record } = await one.submit(newTask({ webhookUrl }));
      const delivery = { status: 'failed', attempts: 5, responseStatus: 500, error: 'HTTP 500' } as const;
      await two.recordDelivery(record.taskRef, delivery);
      expect((await one.find(record.taskRef))?.delivery).toStrictEqual(delivery);
    });
  });
}
