import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { openEngine } from '../../src/engine/open-engine.js';
import { ConfigurationError } from '../../src/errors.js';
import { defineOperation } from '../../src/server/operation.js';
import { type RunningServer, type ServerOptions, startServer } from '../../src/server/start-server.js';
import { echo, heldOperation } from '../fixtures/server/test-operations.js';
import { newSecret } from '../fixtures/server/webhook-receiver.js';

/** A server in this process, spoken to in raw JSON-RPC. */
async function startOnStreams(options: Partial<ServerOptions> = {}) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const server = await startServer({
    operations: [echo],
    store: 'memory:',
    stdio: { input, output },
    ...options,
  });
  onTestFinished(() => server.close());
  let printed = '';
  output.on('data', chunk => {
    printed += chunk;
  });
  return {
    server,
    input,
    output,
    /** Sends a call and returns its answer. */
    async call(id: string, name: string, args: object): Promise<Record<string, unknown>> {
      input.write(
        `${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } })}\n`,
      );
      for (;;) {
        const line = printed.split('\n').find(text => text.includes(`"id":"${id}"`));
        if (line !== undefined) return JSON.parse(line).result.structuredContent;
        await once(output, 'data');
      }
    },
  };
}

async function settles(server: RunningServer): Promise<void> {
  await server.ended;
}

async function newStore(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-server-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return `sqlite:${join(folder, 'tasks.db')}`;
}

describe('options', () => {
  test.each<[string, Partial<ServerOptions>, string]>([
    [
      'no concurrency',
      { concurrency: 0 },
      'Expected `concurrency` to be a whole number of at least 1, got 0',
    ],
    [
      'half a task',
      { concurrency: 1.5 },
      'Expected `concurrency` to be a whole number of at least 1, got 1.5',
    ],
    ['no time to live', { ttlSeconds: 0 }, 'Expected `ttlSeconds` to be a positive number, got 0'],
    [
      'endless life',
      { ttlSeconds: Number.POSITIVE_INFINITY },
      'Expected `ttlSeconds` to be a positive number',
    ],
    [
      'a time to live above its own limit',
      { ttlSeconds: 7201, maxTtlSeconds: 7200 },
      'Expected `ttlSeconds` to be at most `maxTtlSeconds`, which is 7200, got 7201',
    ],
    [
      'too many runs',
      { retryAttempts: 11 },
      'Expected `retryAttempts` to be a whole number from 0 to 10, got 11',
    ],
    [
      'no time to run',
      { defaultTimeoutSeconds: 0 },
      'Expected `defaultTimeoutSeconds` to be a positive number, got 0',
    ],
    ['no room', { maxResultBytes: 0 }, 'Expected `maxResultBytes` to be a whole number of at least 1, got 0'],
    [
      'hardly a lease',
      { leaseSeconds: 0.5 },
      'Expected `leaseSeconds` to be a number from 1 to 3600, got 0.5',
    ],
    ['an operation that is none', { operations: [{} as never] }, 'Expected `name`'],
    ['two of a name', { operations: [echo, echo] }, 'Two operations are named echo'],
    [
      "a name that is the server's own",
      { operations: [{ ...echo, name: 'deliver_webhook' }] },
      "The name deliver_webhook is the server's own",
    ],
    ['webhooks without a secret', { webhooks: { allowHttp: true } }, 'Webhooks need a secret'],
    ['a secret that is none', { webhooks: { secret: 'hunter2' } }, 'does not begin with `whsec_`'],
    ['a webhook host that is none', { webhooks: { secret: newSecret(), allowedHosts: ['*'] } }, 'got "*"'],
    ['a store that is none', { store: 'file:x' }, 'is no store'],
  ])('%s is refused', async (_case, options, message) => {
    const started = startServer({ operations: [echo], store: 'memory:', http: { port: 0 }, ...options });
    await expect(started).rejects.toThrow(ConfigurationError);
    await expect(started).rejects.toThrow(message);
  });
});

describe('on streams', () => {
  test('ends when its client has closed its side and has all its answers', async () => {
    const { server, input, output, call } = await startOnStreams();
    const { task_ref } = await call('a', 'initiate_background_task', {
      operation_type: 'echo',
      parameters: { text: 'x' },
    });
    const poll = call('b', 'resolve_task_status', { task_ref, wait_seconds: 5 });
    input.end();
    expect(await poll).toMatchObject({ status: 'completed' });
    await settles(server);
    expect(output.writableEnded).toBe(true);
  });

  test('ends once all that its client asked for has run', async () => {
    const held = heldOperation();
    const { server, input, call } = await startOnStreams({ operations: [held.operation], concurrency: 1 });
    await call('a', 'initiate_background_task', { operation_type: 'held' });
    await call('b', 'initiate_background_task', { operation_type: 'held' });
    input.end();
    const ended = vi.fn();
    void server.ended.then(ended);
    await vi.waitFor(() => expect(held.runs).toHaveLength(1));
    expect(ended).not.toHaveBeenCalled();
    held.release();
    await settles(server);
    expect(held.runs).toHaveLength(2);
  });

  test('keeps a task for as long as its call asks, within its own limit', async () => {
    const { call } = await startOnStreams({ maxTtlSeconds: 30 * 86_400 });
    const args = { operation_type: 'echo', parameters: { text: 'x' }, ttl_seconds: 20 * 86_400 };
    const { expires_at } = await call('a', 'initiate_background_task', args);
    expect((Date.parse(String(expires_at)) - Date.now()) / 86_400_000).toBeCloseTo(20, 2);
  });

  test('hands what it must leave, and what may be run again, to another server on the store', async () => {
    const store = await newStore();
    const [first, second] = [heldOperation(), heldOperation()];
    const one = await startOnStreams({ operations: [first.operation], store, retryAttempts: 1 });
    const { task_ref } = await one.call('a', 'initiate_background_task', { operation_type: 'held' });
    await vi.waitFor(() => expect(first.runs).toHaveLength(1));
    const other = await startOnStreams({ operations: [second.operation], store });
    await one.server.close();
    expect(first.runs[0]?.signal.aborted).toBe(true);
    await vi.waitFor(() => expect(second.runs.map(run => run.taskRef)).toEqual([task_ref]));
    second.release();
    const answer = other.call('b', 'resolve_task_status', { task_ref, wait_seconds: 5 });
    expect(await answer).toMatchObject({ status: 'completed', result: 'released' });
  });

  test('ends when it is closed, also while its client still talks', async () => {
    const { server, input, output } = await startOnStreams();
    await server.close();
    await settles(server);
    expect(output.writableEnded).toBe(true);
    await vi.waitFor(() => expect(input.destroyed).toBe(true));
    await server.close();
  });

  test('ends when it is closed while it finishes work for a client that has gone', async () => {
    const held = heldOperation();
    const { server, input, call } = await startOnStreams({ operations: [held.operation], concurrency: 1 });
    await call('a', 'initiate_background_task', { operation_type: 'held' });
    await call('b', 'initiate_background_task', { operation_type: 'held' });
    await vi.waitFor(() => expect(held.runs).toHaveLength(1));
    input.end();
    await new Promise(resolve => setImmediate(resolve));
    await server.close(10);
    await settles(server);
    expect(held.runs).toHaveLength(1);
    expect(held.runs[0]?.signal.aborted).toBe(true);
  });

  test('takes no queued task once it is told to stop', async () => {
    const store = await newStore();
    const held = heldOperation();
    const { server, call } = await startOnStreams({ operations: [held.operation], concurrency: 1, store });
    await call('a', 'initiate_background_task', { operation_type: 'held' });
    const { task_ref } = await call('b', 'initiate_background_task', { operation_type: 'held' });
    await vi.waitFor(() => expect(held.runs).toHaveLength(1));
    const closed = server.close(5000);
    held.release();
    await closed;
    await settles(server);
    expect(held.runs).toHaveLength(1);
    const engine = await openEngine(store);
    onTestFinished(() => engine.close());
    expect(await engine.find(task_ref as string)).toMatchObject({ status: 'pending' });
  });

  test('ends when a message is larger than any can be', async () => {
    const { server, input } = await startOnStreams();
    const chunk = 'x'.repeat(16 * 1024 * 1024);
    for (let chunks = 0; chunks < 5; chunks++) input.write(chunk);
    await settles(server);
  });

  test('ends when its client breaks the line', async () => {
    const { server, input, call } = await startOnStreams({ operations: [heldOperation(0.05).operation] });
    await call('a', 'initiate_background_task', { operation_type: 'held' });
    input.destroy();
    await settles(server);
  });
});

describe('over HTTP', () => {
  test('one that cannot listen leaves the tasks in the store alone', async () => {
    const store = await newStore();
    const before = await openEngine(store);
    const task = { owner: 'local', operation: 'echo', parameters: { text: 'x' }, slaMs: 1000, ttlMs: 60_000 };
    await before.submit({ ...task, taskRef: 'task_1' });
    await before.close();
    const first = await startServer({ operations: [echo], store: 'memory:', http: { port: 0 } });
    onTestFinished(() => first.close());
    const port = Number(new URL(first.url ?? '').port);
    await expect(startServer({ operations: [echo], store, http: { port } })).rejects.toThrow(/in use/);
    const after = await openEngine(store);
    expect(await after.find('task_1')).toMatchObject({ status: 'pending' });
    await after.close();
    const second = await startServer({ operations: [echo], store, http: { port: 0 } });
    await vi.waitFor(async () => {
      const engine = await openEngine(store);
      expect(await engine.find('task_1')).toMatchObject({ status: 'completed' });
      await engine.close();
    });
    await second.close();
    await settles(second);
    await second.close();
  });
});

describe('a task that waits for an answer', () => {
  const asking = defineOperation({
    name: 'asking',
    description: 'Asks whether it may end.',
    input: z.object({}),
    run: (_, { elicit }) => elicit(z.object({ yes: z.boolean() }), 'May it end?'),
  });

  /** The task as soon as it has asked, and an engine that sees the store. */
  async function askedOf({ call }: Awaited<ReturnType<typeof startOnStreams>>, store: string) {
    const { task_ref } = await call('1', 'initiate_background_task', { operation_type: 'asking' });
    const taskRef = String(task_ref);
    const engine = await openEngine(store);
    onTestFinished(() => engine.close());
    for (let record = await engine.find(taskRef); record?.inputRequests === undefined; ) {
      if (record === undefined) throw new Error('There is no such task.');
      record = await engine.waitForChange(taskRef, { known: record, timeoutMs: 10_000 });
    }
    return { taskRef, engine };
  }

  test.each<[string, (on: Awaited<ReturnType<typeof startOnStreams>>) => Promise<void>]>([
    [
      'whose client has gone, which ends',
      async ({ server, input }) => {
        input.end();
        await server.ended;
      },
    ],
    ['that is stopped, at once whatever its grace', ({ server }) => server.close(600_000)],
  ])('is left to the next server by one %s', async (_case, end) => {
    const store = await newStore();
    const first = await startOnStreams({ operations: [asking], store });
    const { taskRef, engine } = await askedOf(first, store);
    await end(first);
    const left = await engine.find(taskRef);
    expect(left).toMatchObject({ status: 'pending', runCount: 1, excusedRuns: 1 });
    const [key = ''] = Object.keys(left?.inputRequests ?? {});
    await startOnStreams({ operations: [asking], store });
    await engine.answer(taskRef, { [key]: { action: 'accept', content: { yes: true } } });
    expect(await engine.waitForEnd(taskRef, { timeoutMs: 10_000 })).toMatchObject({
      status: 'completed',
      result: { action: 'accept', content: { yes: true } },
      runCount: 2,
    });
  });
});
