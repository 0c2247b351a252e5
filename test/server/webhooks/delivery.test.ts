import { Webhook } from 'standardwebhooks';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineOperation, OperationError } from '../../../src/server/operation.js';
import { VERSION } from '../../../src/version.js';
import {
  type Caller,
  type ConnectedToolsOptions,
  connectTools,
} from '../../fixtures/server/connected-tools.js';
import { echo, heldOperation } from '../../fixtures/server/test-operations.js';
import { LOOPBACK, newSecret, startReceiver } from '../../fixtures/server/webhook-receiver.js';

const failing = defineOperation({
  name: 'failing',
  description: 'Fails.',
  input: z.object({}),
  slaSeconds: 10,
  run: () => Promise.reject(new OperationError('UPSTREAM_BUSY', 'later', { retryable: true })),
});

const big = defineOperation({
  name: 'big',
  description: 'Returns a long text.',
  input: z.object({ bytes: z.number() }),
  slaSeconds: 10,
  run: async ({ bytes }) => 'x'.repeat(bytes),
});

const held = heldOperation();
const secret = newSecret();
/** Two attempts after the first, both at once. */
const QUICK = { delaysMs: [1, 1] };

async function connect(options: Partial<ConnectedToolsOptions> = {}) {
  const { webhooks, ...rest } = options;
  const tools = await connectTools([echo, failing, big, held.operation], {
    webhooks: { secret, ...LOOPBACK, ...webhooks },
    delivery: QUICK,
    ...rest,
  });
  return { ...tools, caller: await tools.connect() };
}

const startEcho = (caller: Caller, url: string, more: object = {}) =>
  caller.initiate('echo', { text: 'x' }, { webhook_url: url, ...more });

/** The `webhook` of the task's answer, once it has this status and so many attempts. */
function delivery(caller: Caller, taskRef: string, expected: object) {
  return vi.waitFor(
    async () => {
      const { data } = await caller.resolve(taskRef);
      expect(data.webhook).toMatchObject(expected);
      return data.webhook;
    },
    { interval: 5 },
  );
}

describe('the message about the end of a task', () => {
  it('is signed as Standard Webhooks say, and holds what resolve_task_status answers', async () => {
    const receiver = await startReceiver();
    const { caller } = await connect();
    const { data: started } = await startEcho(caller, receiver.url);
    expect(started.status).toBe('queued');
    const [message] = await receiver.receives(1);
    const event = new Webhook(secret).verify(message?.body ?? '', message?.headers ?? {});
    await delivery(caller, started.task_ref, { status: 'delivered' });
    const { webhook, ...answer } = (await caller.resolve(started.task_ref)).data;
    expect(event).toEqual({ type: 'task.completed', timestamp: answer.updated_at, data: answer });
    expect(answer).toMatchObject({ status: 'completed', result: { text: 'x' } });
    expect(webhook).toEqual({
      status: 'delivered',
      attempts: 1,
      last_attempt_at: expect.stringMatching(/Z$/),
      response_status: 204,
    });
    expect(message?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': `mcp-await/${VERSION}`,
      'webhook-id': expect.stringMatching(/^msg_[0-9a-f]{32}$/),
    });
    expect(started.task_ref).not.toContain(message?.headers['webhook-id']?.slice(4));
  });

  it('is no longer valid when it was changed, or signed with another secret', async () => {
    const receiver = await startReceiver();
    const { caller } = await connect();
    await startEcho(caller, receiver.url);
    const [{ body, headers } = { body: '', headers: {} }] = await receiver.receives(1);
    expect(() => new Webhook(secret).verify(body.replace('"x"', '"y"'), headers)).toThrow();
    expect(() => new Webhook(newSecret()).verify(body, headers)).toThrow();
  });

  it('is signed with every secret, so that one can follow the other', async () => {
    const [old, next] = [newSecret(), newSecret()];
    const receiver = await startReceiver();
    const { caller } = await connect({ webhooks: { secret: `${old} ${next}` } });
    await startEcho(caller, receiver.url);
    const [{ body, headers } = { body: '', headers: {} }] = await receiver.receives(1);
    for (const key of [old, next]) {
      expect(new Webhook(key).verify(body, headers)).toMatchObject({ type: 'task.completed' });
    }
  });

  it('tells that a task has failed, and why', async () => {
    const receiver = await startReceiver();
    const { caller } = await connect();
    await caller.initiate('failing', {}, { webhook_url: receiver.url });
    const [message] = await receiver.receives(1);
    expect(JSON.parse(message?.body ?? '')).toMatchObject({
      type: 'task.failed',
      data: { status: 'failed', error: { code: 'UPSTREAM_BUSY', message: 'later', retryable: true } },
    });
  });

  it.each([
    ['waits', false],
    ['runs', true],
  ])('tells that a task was cancelled while it %s', async (_case, runs) => {
    const receiver = await startReceiver();
    const { caller } = await connect({ concurrency: 2 });
    const before = held.runs.length;
    const fill = runs ? 0 : 2;
    for (let count = 0; count < fill; count++) await caller.initiate('held');
    if (!runs) await vi.waitFor(() => expect(held.runs).toHaveLength(before + fill));
    const { data } = await caller.initiate('held', {}, { webhook_url: receiver.url });
    if (runs) await vi.waitFor(() => expect(held.runs).toHaveLength(before + 1));
    await caller.cancel(data.task_ref);
    if (!runs) for (const run of held.runs.slice(before)) await caller.cancel(run.taskRef);
    const [message] = await receiver.receives(1);
    expect(JSON.parse(message?.body ?? '')).toMatchObject({
      type: 'task.cancelled',
      data: { task_ref: data.task_ref, status: 'cancelled', error: { code: 'CANCELLED' } },
    });
    await delivery(caller, data.task_ref, { status: 'delivered', attempts: 1 });
    await caller.cancel(data.task_ref);
    expect(receiver.received).toHaveLength(1);
  });

  it('leaves a large result out, and says so', async () => {
    const receiver = await startReceiver();
    const { caller } = await connect();
    await caller.initiate('big', { bytes: 200_000 }, { webhook_url: receiver.url });
    await caller.initiate('big', { bytes: 300_000 }, { webhook_url: receiver.url });
    const messages = await receiver.receives(2);
    const data = messages.map(({ body }) => JSON.parse(body).data);
    const [whole, cut] = data[0].result === null ? data.toReversed() : data;
    expect(whole).toMatchObject({ result: 'x'.repeat(200_000) });
    expect(whole).not.toHaveProperty('result_omitted');
    expect(cut).toMatchObject({ status: 'completed', result: null, result_omitted: true });
  });
});

describe('a message that did not arrive', () => {
  it('is sent again with the same id, a new time and a new signature', async () => {
    const receiver = await startReceiver([500, 503]);
    const { caller } = await connect();
    const { data } = await startEcho(caller, receiver.url);
    const messages = await receiver.receives(3);
    expect(new Set(messages.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(messages.map(({ body }) => body)).size).toBe(1);
    for (const { body, headers } of messages) new Webhook(secret).verify(body, headers);
    await delivery(caller, data.task_ref, { status: 'delivered', attempts: 3, response_status: 204 });
  });

  it('is given up after the last attempt, and the task stays completed', async () => {
    const receiver = await startReceiver([500, 500, 500]);
    const { caller, engine } = await connect();
    const { data } = await startEcho(caller, receiver.url);
    const host = new URL(receiver.url).host;
    const webhook = await delivery(caller, data.task_ref, { status: 'failed' });
    expect(webhook).toMatchObject({
      attempts: 3,
      response_status: 500,
      error: `${host} answered with status 500`,
    });
    expect(webhook).not.toHaveProperty('next_attempt_at');
    expect((await caller.resolve(data.task_ref)).data).toMatchObject({
      status: 'completed',
      result: { text: 'x' },
      error: null,
    });
    expect(receiver.received).toHaveLength(3);
    await vi.waitFor(async () => {
      const stats = await engine.stats(60_000);
      expect(stats.find(({ operation }) => operation === 'deliver_webhook')).toMatchObject({
        pending: 0,
        processing: 0,
        failed: 3,
      });
    });
  });

  it('waits as long as the receiver asks for', async () => {
    const receiver = await startReceiver([[429, { 'retry-after': '120' }]]);
    const { caller } = await connect();
    const { data } = await startEcho(caller, receiver.url);
    const webhook = await delivery(caller, data.task_ref, { status: 'pending', attempts: 1 });
    const waitMs = Date.parse(webhook.next_attempt_at) - Date.parse(webhook.last_attempt_at);
    expect(waitMs).toBeGreaterThanOrEqual(120_000);
    expect(waitMs).toBeLessThanOrEqual(144_000);
    expect(webhook.response_status).toBe(429);
  });

  it('is not sent again to a receiver that has gone (410)', async () => {
    const receiver = await startReceiver([410]);
    const { caller } = await connect();
    const { data } = await startEcho(caller, receiver.url);
    await delivery(caller, data.task_ref, { status: 'failed', attempts: 1, response_status: 410 });
    expect(receiver.received).toHaveLength(1);
  });

  it('follows no redirect', async () => {
    const other = await startReceiver();
    const receiver = await startReceiver(
      [301, 302, 307].map(status => [status, { location: other.url }] as [number, Record<string, string>]),
    );
    const { caller } = await connect();
    const { data } = await startEcho(caller, receiver.url);
    await delivery(caller, data.task_ref, { status: 'failed', attempts: 3, response_status: 307 });
    expect(other.received).toEqual([]);
  });

  it('was not answered in time', async () => {
    const receiver = await startReceiver([() => {}]);
    const { caller } = await connect({ delivery: { delaysMs: [60_000], timeoutMs: 50 } });
    const { data } = await startEcho(caller, receiver.url);
    const webhook = await delivery(caller, data.task_ref, { status: 'pending', attempts: 1 });
    expect(webhook.error).toMatch(/^127\.0\.0\.1:\d+ did not answer within 50 ms$/);
    expect(webhook).not.toHaveProperty('response_status');
  });

  it('does not depend on what the receiver answers after the status', async () => {
    const receiver = await startReceiver([response => void response.writeHead(200).write('and so on')]);
    const { caller } = await connect();
    const { data } = await startEcho(caller, receiver.url);
    await delivery(caller, data.task_ref, { status: 'delivered', response_status: 200 });
  });

  it('arrives once the receiver is back', async () => {
    const down = await startReceiver();
    await down.stop();
    const { caller } = await connect({ delivery: { delaysMs: Array(200).fill(20) } });
    const { data } = await startEcho(caller, down.url);
    const error = expect.stringMatching(/^127\.0\.0\.1:\d+ was not reached: ECONNREFUSED$/);
    await delivery(caller, data.task_ref, { status: 'pending', error });
    const up = await startReceiver([], Number(new URL(down.url).port));
    await up.receives(1);
    await delivery(caller, data.task_ref, { status: 'delivered' });
  });
});

describe('one message', () => {
  it('goes out for calls with the same key', async () => {
    const receiver = await startReceiver();
    const { caller } = await connect();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => startEcho(caller, receiver.url, { idempotency_key: 'once' })),
    );
    const refs = new Set(answers.map(({ data }) => data.task_ref));
    expect(refs.size).toBe(1);
    await delivery(caller, answers[0]?.data.task_ref, { status: 'delivered', attempts: 1 });
    await startEcho(caller, receiver.url, { idempotency_key: 'once' });
    expect(receiver.received).toHaveLength(1);
  });

  it('goes to one place: a known key with another URL is the task of the first', async () => {
    const receiver = await startReceiver();
    const { caller } = await connect();
    const { data } = await startEcho(caller, receiver.url, { idempotency_key: 'once' });
    const other = await startEcho(caller, `${receiver.url}2`, { idempotency_key: 'once' });
    const none = await caller.initiate('echo', { text: 'x' }, { idempotency_key: 'once' });
    for (const answer of [other, none])
      expect(answer).toMatchObject({ refused: false, data: { task_ref: data.task_ref } });
    await delivery(caller, data.task_ref, { status: 'delivered', attempts: 1 });
    expect(receiver.received).toHaveLength(1);
  });

  it('does not go out for a task without a webhook', async () => {
    const { caller, engine } = await connect();
    const { data } = await caller.initiate('echo', { text: 'x' });
    await caller.resolve(data.task_ref, 5);
    expect((await caller.resolve(data.task_ref)).data).not.toHaveProperty('webhook');
    expect((await engine.stats(60_000)).map(({ operation }) => operation)).toEqual(['echo']);
  });
});
