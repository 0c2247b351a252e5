import type { LookupFunction } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { connectTools } from '../../fixtures/server/connected-tools.js';
import { echo } from '../../fixtures/server/test-operations.js';
import { LOOPBACK, newSecret, startReceiver } from '../../fixtures/server/webhook-receiver.js';

const secret = newSecret();
const ECHO = { text: 'x' };

/** A name server for which every name is this machine. */
const toLoopback: LookupFunction = (_, options, callback) => {
  const found = { address: '127.0.0.1', family: 4 };
  if (options.all) callback(null, [found]);
  else callback(null, found.address, found.family);
};

describe('a webhook_url', () => {
  it.each([
    ['over plain HTTP', 'http://hooks.example.com/'],
    ['with a private address', 'https://10.0.0.1/'],
    ['with the address of this machine', 'https://127.0.0.1/'],
    ['with the name of this machine', 'https://localhost/'],
    ['with a password', 'https://ada:pass@hooks.example.com/'],
    ['that is no URL', 'hooks'],
    ['that is empty', ''],
    ['of another host', 'https://other.example.org/'],
    ['that is endless', `https://hooks.example.com/${'x'.repeat(100_000)}`],
  ])('%s is refused before anything is queued', async (_case, url) => {
    const tools = await connectTools([echo], { webhooks: { secret, allowedHosts: ['*.example.com'] } });
    const caller = await tools.connect();
    const { refused, data } = await caller.initiate('echo', ECHO, { webhook_url: url });
    expect(refused).toBe(true);
    expect(data.error).toMatchObject({ code: 'WEBHOOK_REFUSED', retryable: false });
    expect(data.error.message).toMatch(/^The `webhook_url` was refused and nothing was started: \S.*\.$/);
    expect(data.error.message.length).toBeLessThan(300);
    expect(data.error.message).not.toContain('pass@');
    expect(await tools.engine.stats(60_000)).toEqual([]);
  });

  it('is not offered where webhooks are off, and refused with how to turn them on', async () => {
    const tools = await connectTools([echo]);
    const caller = await tools.connect();
    const { tools: listed } = await caller.client.listTools();
    expect(JSON.stringify(listed.map(({ inputSchema }) => inputSchema))).not.toContain('webhook_url');
    const { data } = await caller.initiate('echo', ECHO, { webhook_url: 'https://hooks.example.com/' });
    expect(data.error).toMatchObject({
      code: 'WEBHOOK_REFUSED',
      message: expect.stringMatching(/--webhook-secret-file or MCP_AWAIT_WEBHOOK_SECRET/),
    });
    expect(await tools.engine.stats(60_000)).toEqual([]);
  });

  it('is offered where webhooks are on', async () => {
    const caller = await (await connectTools([echo], { webhooks: { secret } })).connect();
    const { tools } = await caller.client.listTools();
    const initiate = tools.find(({ name }) => name === 'initiate_background_task');
    expect(initiate?.inputSchema.properties).toHaveProperty('webhook_url');
    expect(JSON.stringify(tools)).not.toContain('deliver_webhook');
  });
});

describe('the operation that delivers', () => {
  it('cannot be called', async () => {
    const caller = await (await connectTools([echo], { webhooks: { secret } })).connect();
    const parameters = { taskRef: 'task_echo_1', attempt: 1, postponed: 0 };
    const { refused, data } = await caller.initiate('deliver_webhook', parameters);
    expect(refused).toBe(true);
    expect(data.error.code).toBe('UNKNOWN_OPERATION');
    expect(data.error.message).toMatch(/Known: echo\.$/);
  });
});

describe('the worker has the last word', () => {
  async function deliver(options: object, url: string) {
    const tools = await connectTools([echo], {
      webhooks: { secret, ...LOOPBACK },
      delivery: { delaysMs: [1, 1], lookup: toLoopback },
      ...options,
    });
    const caller = await tools.connect();
    const { data } = await caller.initiate('echo', ECHO, { webhook_url: url });
    return vi.waitFor(
      async () => {
        const { webhook } = (await caller.resolve(data.task_ref)).data;
        expect(webhook.status).not.toBe('pending');
        return webhook;
      },
      { interval: 5 },
    );
  }

  it('on names that turn out to be private when the connection is made', async () => {
    const receiver = await startReceiver();
    const url = new URL(receiver.url);
    url.hostname = 'hooks.example.com';
    const webhooks = { secret, allowHttp: true };
    const webhook = await deliver({ webhooks }, url.href);
    expect(webhook).toMatchObject({ status: 'failed', attempts: 1 });
    expect(webhook.error).toBe(
      'hooks.example.com is not on the public internet (loopback); the operator can allow it with --webhook-allow-private',
    );
    expect(receiver.received).toEqual([]);
    expect(await deliver({}, url.href)).toMatchObject({ status: 'delivered' });
  });

  it.each([
    ['the scheme', { allowHttp: false }, 'expected an https URL'],
    ['the address', { allowPrivate: false }, '(loopback)'],
    ['the host', { allowedHosts: [] }, "not on the operator's list"],
  ])('on %s, whatever the front has accepted', async (_case, workerPolicy, reason) => {
    const receiver = await startReceiver();
    const webhook = await deliver({ workerPolicy }, receiver.url);
    expect(webhook).toMatchObject({ status: 'failed', attempts: 1, error: expect.stringContaining(reason) });
    expect(webhook.error).not.toContain('token');
    expect(receiver.received).toEqual([]);
  });
});
