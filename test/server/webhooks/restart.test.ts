import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { openEngine } from '../../../src/engine/open-engine.js';
import type { Operation } from '../../../src/server/operation.js';
import { startWorker } from '../../../src/server/start-worker.js';
import { newTask } from '../../engine/scripted.js';
import { echo, heldOperation } from '../../fixtures/server/test-operations.js';
import { LOOPBACK, newSecret, startReceiver } from '../../fixtures/server/webhook-receiver.js';

const secret = newSecret();

let store: string;
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-webhooks-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  store = `sqlite:${join(folder, 'tasks.db')}`;
});

async function submit(operation: string, webhookUrl: string): Promise<void> {
  const engine = await openEngine(store);
  await engine.submit(newTask({ operation, webhookUrl }));
  await engine.close();
}

async function start(operation: Operation) {
  const worker = await startWorker({ operations: [operation], store, webhooks: { secret, ...LOOPBACK } });
  onTestFinished(() => worker.close());
  return worker;
}

it('a message that is being sent when its worker is stopped is sent again by the next, at once', async () => {
  const receiver = await startReceiver([() => {}]);
  await submit('echo', receiver.url);
  const first = await start(echo);
  await receiver.receives(1);
  await first.close();
  await start(echo);
  const [sent, again] = await receiver.receives(2);
  expect(again?.headers['webhook-id']).toBe(sent?.headers['webhook-id']);
  expect(new Webhook(secret).verify(again?.body ?? '', again?.headers ?? {})).toMatchObject({
    type: 'task.completed',
  });
});

it('a task that is stopped with its worker is told of, by the next', async () => {
  const receiver = await startReceiver();
  const held = heldOperation();
  await submit('held', receiver.url);
  const first = await start(held.operation);
  await vi.waitFor(() => expect(held.runs).toHaveLength(1));
  await first.close();
  expect(receiver.received).toEqual([]);
  await start(held.operation);
  const [message] = await receiver.receives(1);
  expect(JSON.parse(message?.body ?? '')).toMatchObject({
    type: 'task.failed',
    data: { error: { code: 'WORKER_STOPPED', retryable: true } },
  });
});
