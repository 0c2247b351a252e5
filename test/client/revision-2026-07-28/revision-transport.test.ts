import { text as bodyOf } from 'node:stream/consumers';
import { ElicitRequestSchema, ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { AwaitClient } from '../../../src/client/await-client.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { loopbackServer } from '../../fixtures/client/loopback-server.js';
import { connectNewer, discovered, startedTask } from '../../fixtures/client/newer-server.js';
import { unanswered } from '../../fixtures/client/raw-server.js';
import { refusing, TASK_ID, taskIn, textResult } from '../../fixtures/client/task-server.js';

const initialized = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: '2025-11-25', version: '1' },
};
const anything = z.looseObject({});
const LISTEN = 'subscriptions/listen';
const meta = (params: Record<string, unknown> | undefined) => params?._meta as Record<string, unknown>;

afterEach(() => {
  vi.useRealTimers();
});

describe('which generation a server is of', () => {
  test('is what it says of itself; each request then says who asks', async () => {
    const { client, server, transport } = await connectNewer({});
    expect([transport.revision, client.getServerVersion()?.name]).toEqual(['2026-07-28', 'newer']);
    await client.listTools();
    expect(meta(server.requests('tools/list')[0])).toEqual({
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
    });
    expect(server.count('initialize') + server.count('notifications/initialized')).toBe(0);
  });

  test.each([
    ['an unknown method', [refusing(-32601, 'Method not found')], 1],
    ['a server that was not initialised', [refusing(-32000, 'Bad Request: Server not initialized')], 1],
    ['other versions', [{ ...discovered, supportedVersions: ['2027-01-01'] }], 1],
    ['an answer that means nothing', [{ weather: 'nice' }], 1],
    [
      'a refusal of the version that offers no other',
      [refusing(-32022, 'Unsupported', { supported: ['2027-01-01'] })],
      1,
    ],
    ['two refusals of the version', [refusing(-32022, 'Unsupported', { supported: ['2026-07-28'] })], 2],
  ])('is the older one after %s', async (_what, answers, asked) => {
    const { server, transport } = await connectNewer({
      'server/discover': answers,
      initialize: [initialized],
    });
    expect([transport.revision, server.count('server/discover')]).toEqual(['2025-11-25', asked]);
    expect(server.count('notifications/initialized')).toBe(1);
  });

  test('is asked once more where the version is refused and offered at once', async () => {
    const refusal = refusing(-32022, 'Unsupported', { supported: ['2026-07-28'] });
    const { server, transport } = await connectNewer({ 'server/discover': [refusal, discovered] });
    expect([transport.revision, server.count('server/discover')]).toEqual(['2026-07-28', 2]);
  });

  test('is the older one of a server that is silent, and its late answer is nobody’s', async () => {
    const { transport } = await connectNewer(
      { 'server/discover': [unanswered], initialize: [initialized] },
      { discoverTimeoutMs: 50 },
    );
    expect(transport.revision).toBe('2025-11-25');
  });

  test('is not asked for where that is not wanted', async () => {
    const { server, transport } = await connectNewer({ initialize: [initialized] }, { discoverTimeoutMs: 0 });
    expect([transport.revision, server.count('server/discover')]).toEqual(['2025-11-25', 0]);
  });

  test.each([401, 403])('is not guessed from HTTP %i: what `initialize` is answered counts', async status => {
    const methods: string[] = [];
    const origin = await loopbackServer(async (request, response) => {
      methods.push(JSON.parse(await bodyOf(request)).method);
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end('{"error":{"code":-1,"message":"no"}}');
    });
    const failure = await failureOf(AwaitClient.connect(`${origin}/mcp`));
    expect(failure.message).toContain(`HTTP ${status}`);
    expect(methods).toEqual(['server/discover', 'initialize']);
  });

  test('is asked for again where the server wants to be asked later, and is then what it says', async () => {
    const statuses: number[] = [];
    const origin = await loopbackServer(async (request, response) => {
      const { method, id } = JSON.parse((await bodyOf(request)) || '{"method":"none"}');
      if (method !== 'server/discover') return response.writeHead(405).end();
      const status = statuses.length === 0 ? 429 : statuses.length === 1 ? 503 : 200;
      statuses.push(status);
      response
        .writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' })
        .end(JSON.stringify({ jsonrpc: '2.0', id, result: discovered }));
    });
    const client = await AwaitClient.connect(`${origin}/mcp`);
    expect(client.getServerVersion()?.name).toBe('newer');
    await client.close();
    expect(statuses).toEqual([429, 503, 200]);
  });

  test('is the older one behind any other HTTP error', async () => {
    const seen: string[] = [];
    const origin = await loopbackServer(async (request, response) => {
      const { method, id } = JSON.parse((await bodyOf(request)) || '{"method":"none"}');
      seen.push(method);
      if (method === 'initialize')
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ jsonrpc: '2.0', id, result: initialized }));
      else response.writeHead(method === 'server/discover' ? 500 : 202).end();
    });
    const client = await AwaitClient.connect(`${origin}/mcp`);
    await client.close();
    expect(seen.slice(0, 3)).toEqual(['server/discover', 'initialize', 'notifications/initialized']);
  });
});

describe('what the newer generation has no method for', () => {
  test('is done all the same: a ping, the level of the log, and nothing where there is nothing to do', async () => {
    const { client, server } = await connectNewer({
      'server/discover': [{ ...discovered, capabilities: { logging: {}, tools: {} } }],
    });
    await client.ping();
    expect(server.count('server/discover')).toBe(2);
    await client.setLoggingLevel('debug');
    await client.listTools();
    expect(meta(server.requests('tools/list')[0])).toMatchObject({
      'io.modelcontextprotocol/logLevel': 'debug',
    });
    const before = server.received.length;
    await client.notification({
      method: 'notifications/progress',
      params: { progressToken: 1, progress: 1 },
    });
    expect(server.received).toHaveLength(before);
  });
});

describe('a call that the server asks about before it goes on', () => {
  const ask = (inputRequests: object, requestState?: string) => ({
    resultType: 'input_required',
    inputRequests,
    ...(requestState !== undefined && { requestState }),
  });
  const elicit = {
    method: 'elicitation/create',
    params: { message: 'Sure?', requestedSchema: { type: 'object', properties: {} } },
  };
  const clientOptions = { capabilities: { elicitation: {}, roots: {} } };

  test("is sent again with the answers of the client's own handlers, its state untouched, under another id", async () => {
    const { client, server } = await connectNewer(
      {
        'tools/call': [
          ask({ a: elicit, b: { method: 'roots/list' } }, 'opaque'),
          ask({ c: elicit }),
          textResult('done'),
        ],
      },
      { clientOptions },
    );
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: {} }));
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [] }));
    const result = await client.callTool({ name: 'research', arguments: { text: 'x' } });
    expect(result.content).toEqual([{ type: 'text', text: 'done' }]);
    const accepted = { action: 'accept', content: {} };
    const [first, second, third] = server.requests('tools/call');
    expect(first).not.toHaveProperty('inputResponses');
    expect(second).toMatchObject({
      name: 'research',
      arguments: { text: 'x' },
      inputResponses: { a: accepted, b: { roots: [] } },
      requestState: 'opaque',
    });
    expect(third).toMatchObject({ inputResponses: { c: accepted } });
    expect(third).not.toHaveProperty('requestState');
    const ids = server.received.flatMap(message =>
      'method' in message && 'id' in message && message.method === 'tools/call' ? [message.id] : [],
    );
    expect(new Set(ids).size).toBe(3);
  });

  test('is not silent while somebody thinks, and shows no progress that there is not', async () => {
    vi.useFakeTimers();
    const { client } = await connectNewer(
      { 'tools/call': [ask({ a: elicit }), textResult('done')] },
      { clientOptions },
    );
    let answerIt = () => {};
    const awaiting = new AwaitClient(client, {
      silenceTimeoutMs: 60_000,
      onInput: () =>
        new Promise(resolve => {
          answerIt = () => resolve({ action: 'decline' });
        }),
    });
    const progress: unknown[] = [];
    const answer = awaiting.callTool({ name: 'research' }, undefined, {
      onUpdate: update => progress.push(...(update.progress === undefined ? [] : [update.progress])),
    });
    await vi.advanceTimersByTimeAsync(600_000);
    answerIt();
    await expect(answer).resolves.toEqual(textResult('done'));
    expect(progress).toEqual([]);
  });

  test('is no longer asked about once it is taken back', async () => {
    const { client, server } = await connectNewer({ 'tools/call': [ask({ a: elicit })] }, { clientOptions });
    const aborted = new Promise<void>(resolve => {
      client.setRequestHandler(
        ElicitRequestSchema,
        (_request, { signal }) =>
          new Promise(() => {
            signal.addEventListener('abort', () => resolve());
            controller.abort(new Error('enough'));
          }),
      );
    });
    const controller = new AbortController();
    const failure = failureOf(
      client.callTool({ name: 'research' }, undefined, { signal: controller.signal }),
    );
    await aborted;
    expect((await failure).message).toContain('enough');
    expect(server.count('tools/call')).toBe(1);
  });
});

describe('the one subscription', () => {
  const listen = (parts: Record<string, readonly unknown[]> = {}) =>
    connectNewer({ [LISTEN]: [unanswered], 'tasks/get': [taskIn('working')], ...parts });
  const wanted = (params: Record<string, unknown> | undefined) => params?.notifications;

  test('is opened for a task that goes on for a moment, and wakes its wait', async () => {
    vi.useFakeTimers();
    const result = textResult('done');
    const { client, server } = await listen({ 'tasks/get': [taskIn('completed', { result })] });
    const awaiting = new AwaitClient(client, { initialIntervalMs: 20_000, jitter: 0 });
    const answer = awaiting.callTool({ name: 'research' });
    await vi.advanceTimersByTimeAsync(300);
    expect(server.requests(LISTEN).map(wanted)).toEqual([{ taskIds: [TASK_ID] }]);
    await server.notify('notifications/subscriptions/acknowledged', {
      notifications: { taskIds: [TASK_ID] },
    });
    await server.notify('notifications/tasks', taskIn('completed', { result }));
    await vi.advanceTimersByTimeAsync(300);
    await expect(answer).resolves.toEqual(result);
    await vi.advanceTimersByTimeAsync(1000);
    // It has nothing left to tell.
    expect([server.count(LISTEN), server.count('notifications/cancelled')]).toEqual([1, 1]);
  });

  test('is opened anew when it ends while a task runs, later and later', async () => {
    vi.useFakeTimers();
    const { client, server } = await listen({ [LISTEN]: [{ resultType: 'complete' }] });
    await client.request({ method: 'tools/call', params: { name: 'research' } }, anything);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.count(LISTEN)).toBeGreaterThan(3);
    expect(server.count(LISTEN)).toBeLessThan(9);
    await client.close();
  });

  test('is left alone where the server has none', async () => {
    vi.useFakeTimers();
    const { client, server } = await listen({ [LISTEN]: [refusing(-32601, 'Method not found')] });
    await client.request({ method: 'tools/call', params: { name: 'research' } }, anything);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.count(LISTEN)).toBe(1);
    await client.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is opened anew for more tasks, and the former one ends once the new one tells', async () => {
    vi.useFakeTimers();
    const second = { ...startedTask, taskId: 'task-2' };
    const { client, server } = await listen({ 'tools/call': [startedTask, second] });
    const call = () => client.request({ method: 'tools/call', params: { name: 'research' } }, anything);
    await call();
    await vi.advanceTimersByTimeAsync(300);
    await call();
    await vi.advanceTimersByTimeAsync(300);
    expect(server.requests(LISTEN).map(wanted)).toEqual([
      { taskIds: [TASK_ID] },
      { taskIds: [TASK_ID, 'task-2'] },
    ]);
    expect(server.count('notifications/cancelled')).toBe(0);
    await server.notify('notifications/subscriptions/acknowledged', { notifications: {} });
    expect(server.requests('notifications/cancelled')).toMatchObject([{ requestId: expect.any(Number) }]);
    await client.close();
  });
});
