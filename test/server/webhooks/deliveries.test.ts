import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Engine } from '../../../src/engine/engine.js';
import { openEngine } from '../../../src/engine/open-engine.js';
import type { NewTask, TaskRecord } from '../../../src/engine/task-record.js';
import { deliverWebhook } from '../../../src/server/webhooks/deliver-webhook.js';
import {
  announcingExecute,
  createDeliveries,
  DELIVER_WEBHOOK,
} from '../../../src/server/webhooks/deliveries.js';
import { readWebhookOptions } from '../../../src/server/webhooks/webhook-options.js';
import { newTask } from '../../engine/scripted.js';
import { unasked } from '../../fixtures/server/unasked.js';
import { LOOPBACK, newSecret, startReceiver } from '../../fixtures/server/webhook-receiver.js';

afterEach(() => vi.useRealTimers());

const never = new AbortController().signal;

async function openMemory(): Promise<Engine> {
  const engine = await openEngine('memory:');
  onTestFinished(() => engine.close());
  return engine;
}

async function submitted(engine: Engine, task: Partial<NewTask> = {}): Promise<TaskRecord> {
  const { record } = await engine.submit(newTask({ webhookUrl: 'http://127.0.0.1:9/hook', ...task }));
  return record;
}

async function pendingDeliveries(engine: Engine): Promise<number> {
  const stats = await engine.stats(60_000);
  return stats.find(({ operation }) => operation === DELIVER_WEBHOOK)?.pending ?? 0;
}

/** One run of an attempt, outside of any worker. */
async function runAttempt(
  engine: Engine,
  taskRef: string,
  more: { attempt?: number; postponed?: number } = {},
) {
  const settings = readWebhookOptions({ secret: newSecret(), ...LOOPBACK }, {});
  if (settings === undefined) throw new Error('Webhooks are off');
  const deliveries = createDeliveries(engine);
  const queue = vi.spyOn(deliveries, 'queue');
  const operation = deliverWebhook({ engine, deliveries, settings, waitForEndMs: 10, delaysMs: [5000] });
  const context = { signal: never, taskRef: 'task_deliver', progress: () => {}, ...unasked };
  const outcome = await operation
    .run({ taskRef, attempt: 1, postponed: 0, ...more }, context)
    .catch(error => error);
  return { outcome, queue };
}

describe('the end of a task', () => {
  it('is announced once, however many see it', async () => {
    const engine = await openMemory();
    const record = await submitted(engine);
    const observers = [createDeliveries(engine), createDeliveries(engine)];
    await Promise.all(observers.map(each => each.announce(record)));
    await observers[0]?.announce(record);
    expect(await pendingDeliveries(engine)).toBe(1);
  });

  it('is announced before the worker hands it to the engine', async () => {
    const engine = await openMemory();
    const record = await submitted(engine);
    const execute = announcingExecute(
      async () => ({ status: 'completed', result: null }),
      createDeliveries(engine),
    );
    await execute({ record, parameters: {} }, { signal: never, reportProgress: () => {}, ...unasked });
    expect(await pendingDeliveries(engine)).toBe(1);
    expect(await engine.find(record.taskRef)).toMatchObject({ status: 'pending' });
  });

  it('is not announced by a worker that was told to let go of the task', async () => {
    const engine = await openMemory();
    const record = await submitted(engine);
    const execute = announcingExecute(
      async () => ({ status: 'completed', result: null }),
      createDeliveries(engine),
    );
    await execute(
      { record, parameters: {} },
      { signal: AbortSignal.abort(), reportProgress: () => {}, ...unasked },
    );
    expect(await pendingDeliveries(engine)).toBe(0);
  });

  it('is told to the operator where a store keeps refusing, and the task ends all the same', async () => {
    vi.useFakeTimers();
    const submit = vi.fn(() => Promise.reject(new Error('disk full')));
    const onError = vi.fn();
    const deliveries = createDeliveries({ submit } as unknown as Engine, onError);
    const record = { taskRef: 'task_echo_1', webhookUrl: 'https://hooks.example.com/?token=1' } as TaskRecord;
    const execute = announcingExecute(async () => ({ status: 'completed', result: 1 }), deliveries);
    const execution = execute(
      { record, parameters: {} },
      { signal: never, reportProgress: () => {}, ...unasked },
    );
    await vi.runAllTimersAsync();
    expect(await execution).toEqual({ status: 'completed', result: 1 });
    expect(submit).toHaveBeenCalledTimes(5);
    expect(onError.mock.calls.map(([error]) => error.message)).toEqual([
      'The webhook of task_echo_1 could not be queued: disk full',
    ]);
  });

  it('is queued after all where the store refuses for a moment only', async () => {
    vi.useFakeTimers();
    const submit = vi.fn().mockRejectedValueOnce(new Error('busy')).mockResolvedValue({});
    const onError = vi.fn();
    const deliveries = createDeliveries({ submit } as unknown as Engine, onError);
    void deliveries.announce({ taskRef: 'task_echo_1', webhookUrl: 'https://a.example/' } as TaskRecord);
    const settled = deliveries.settled();
    await vi.runAllTimersAsync();
    await settled;
    expect(submit).toHaveBeenCalledTimes(2);
    expect(onError).not.toHaveBeenCalled();
  });
});

describe('an attempt', () => {
  it.each([
    [0, 5000],
    [1, 10_000],
    [4, 60_000],
    [1000, 60_000],
  ])('for a task that has not ended is put off, after %i times by %i ms', async (postponed, delayMs) => {
    const engine = await openMemory();
    const { taskRef } = await submitted(engine);
    const { outcome, queue } = await runAttempt(engine, taskRef, { postponed });
    expect(outcome).toEqual({ outcome: 'postponed' });
    expect(queue.mock.calls.map(call => call.slice(0, 2))).toEqual([
      [{ taskRef, attempt: 1, postponed: postponed + 1 }, delayMs],
    ]);
    expect(await pendingDeliveries(engine)).toBe(1);
  });

  it('for a task that has expired does nothing', async () => {
    const { outcome, queue } = await runAttempt(await openMemory(), 'task_echo_gone');
    expect(outcome).toEqual({ outcome: 'nothing to do' });
    expect(queue).not.toHaveBeenCalled();
  });

  it('that a worker had made before it died is not made again', async () => {
    const receiver = await startReceiver();
    const engine = await openMemory();
    const { taskRef } = await submitted(engine, { webhookUrl: receiver.url });
    await engine.cancel(taskRef);
    expect((await runAttempt(engine, taskRef)).outcome).toMatchObject({ outcome: 'delivered' });
    expect((await runAttempt(engine, taskRef)).outcome).toEqual({ outcome: 'nothing to do' });
    await engine.recordDelivery(taskRef, { status: 'pending', attempts: 1 });
    expect((await runAttempt(engine, taskRef)).outcome).toEqual({ outcome: 'nothing to do' });
    expect(receiver.received).toHaveLength(1);
    await runAttempt(engine, taskRef, { attempt: 2 });
    expect(receiver.received).toHaveLength(2);
  });

  it('that fails has the next one queued and noted', async () => {
    const receiver = await startReceiver([500]);
    const engine = await openMemory();
    const { taskRef } = await submitted(engine, { webhookUrl: receiver.url });
    await engine.cancel(taskRef);
    const { outcome } = await runAttempt(engine, taskRef);
    expect(outcome).toMatchObject({ code: 'WEBHOOK_NOT_DELIVERED', retryable: false });
    expect(await pendingDeliveries(engine)).toBe(1);
    const delivery = (await engine.find(taskRef))?.delivery;
    expect(delivery).toMatchObject({ status: 'pending', attempts: 1, responseStatus: 500 });
    const waitMs = Number(delivery?.nextAttemptAt) - Number(delivery?.lastAttemptAt);
    expect(waitMs).toBeGreaterThanOrEqual(5000);
    expect(waitMs).toBeLessThanOrEqual(6000);
  });
});
