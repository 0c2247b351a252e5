import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { ConnectOptions } from '../../../src/client/connect/connect.js';
import type { AwaitEvent } from '../../../src/client/events.js';
import { ServerUnavailableError } from '../../../src/errors.js';
import { startServer } from '../../../src/server/start-server.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { type Fault, type FaultProxy, faultProxy } from '../../fixtures/faults/fault-proxy.js';
import { noteCall, notedOperation } from '../../fixtures/faults/noted-operation.js';

const START = 'initiate_background_task';
const POLL = 'resolve_task_status';
const CANCEL = 'cancel_background_task';

async function open(options: ConnectOptions = {}) {
  const noted = await notedOperation();
  const server = await startServer({ operations: [noted.operation], store: 'memory:', http: { port: 0 } });
  const proxy = await faultProxy(server.url ?? '');
  const events: AwaitEvent[] = [];
  const connect = () =>
    AwaitClient.connect(proxy.url, {
      initialIntervalMs: 20,
      maxIntervalMs: 50,
      onEvent: event => events.push(event),
      ...options,
    });
  const times = (what: string) => proxy.seen.filter(request => request.what === what).length;
  const typesOf = () => events.map(({ type }) => type);
  return {
    ...noted,
    proxy,
    connect,
    times,
    typesOf,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server.close();
      await noted[Symbol.asyncDispose]();
    },
  };
}

/** Meets the first request of this name with the fault, and no other. */
function faultOnce(proxy: FaultProxy, what: string, fault: Fault): void {
  let isDone = false;
  proxy.decide = request => {
    if (isDone || request.what !== what) return undefined;
    isDone = true;
    return fault;
  };
}

const passing: Readonly<Record<string, Fault>> = {
  'HTTP 404': { kind: 'status', when: 'before', status: 404 },
  'HTTP 429': { kind: 'status', when: 'before', status: 429, headers: { 'retry-after': '0' } },
  'HTTP 500': { kind: 'status', when: 'before', status: 500 },
  'HTTP 502 after the server got it': { kind: 'status', when: 'after', status: 502 },
  'HTTP 503': { kind: 'status', when: 'before', status: 503 },
  'HTTP 504 after the server got it': { kind: 'status', when: 'after', status: 504 },
  'a reset before the server got it': { kind: 'drop', when: 'before' },
  'a reset after the server got it': { kind: 'drop', when: 'after' },
  'an answer that is cut': { kind: 'truncate', cleanly: false },
  'an answer that ends in its middle': { kind: 'truncate', cleanly: true },
  'a request that comes twice': { kind: 'duplicate' },
  'a delay': { kind: 'delay', delayMs: 100 },
};

/** There is no session that could be forgotten. */
const { 'HTTP 404': _forgotten, ...passingInNewer } = passing;

describe.concurrent.each([
  ...Object.entries(passing).map(([name, fault]) => ['older', name, fault, 0] as const),
  ...Object.entries(passingInNewer).map(([name, fault]) => ['newer', name, fault, 3000] as const),
])('in the %s generation: %s', (_era, _name, fault, discoverTimeoutMs) => {
  test.each(['tools/list', START, POLL])('at %s: the result comes, of one run', async stage => {
    await using at = await open({ discoverTimeoutMs });
    const client = await at.connect();
    faultOnce(at.proxy, stage, fault);
    const { structuredContent } = await client.callTool(noteCall(7));
    expect(structuredContent).toEqual({ id: 7, square: 49 });
    expect(await at.runs()).toEqual([7]);
    await client.close();
  });

  test('at the cancel: the task is cancelled', async () => {
    await using at = await open({ discoverTimeoutMs });
    const client = await at.connect();
    const task = await client.startTool(noteCall(7, 20_000));
    faultOnce(at.proxy, CANCEL, fault);
    await task.cancel();
    expect(await task.result()).toMatchObject({ structuredContent: { status: 'cancelled' } });
    await client.close();
  });

  test('at the goodbye: the client closes all the same', async () => {
    await using at = await open({ discoverTimeoutMs });
    const client = await at.connect();
    faultOnce(at.proxy, 'DELETE', fault);
    await client.close();
    expect(client.transport).toBeUndefined();
  });
});

test.each([
  ['HTTP 404', /There is no MCP endpoint/],
  ['HTTP 500', /failed \(HTTP 500/],
  ['a reset before the server got it', /could not be spoken to/],
])('%s while connecting is told at once', async (name, message) => {
  await using at = await open({ discoverTimeoutMs: 0 });
  faultOnce(at.proxy, 'initialize', passing[name] as Fault);
  const error = await failureOf(at.connect());
  expect(error).toBeInstanceOf(ServerUnavailableError);
  expect(error.message).toMatch(message);
});

test('a session that is gone is renewed once for all who meet it, and the events tell so', async () => {
  await using at = await open({ discoverTimeoutMs: 0 });
  const client = await at.connect();
  const tasks = await Promise.all([1, 2, 3, 4, 5].map(id => client.startTool(noteCall(id, 300))));
  const gone = at.proxy.seen.at(-1)?.session;
  at.proxy.decide = ({ session }) => (session === gone ? passing['HTTP 404'] : undefined);
  const results = await Promise.all(tasks.map(task => task.result()));
  expect(results.map(({ structuredContent }) => structuredContent?.id)).toEqual([1, 2, 3, 4, 5]);
  expect(at.times('initialize')).toBe(2);
  expect(at.typesOf().filter(type => type.startsWith('connection'))).toEqual([
    'connection-lost',
    'connection-restored',
  ]);
  await client.close();
});

test('a server that is away for a while is waited for, within the retries of each request', async () => {
  await using at = await open();
  const client = await at.connect();
  const { target } = at.proxy;
  const task = await client.startTool(noteCall(3, 100));
  at.proxy.target = undefined;
  const result = task.result();
  await expect.poll(at.typesOf).toContain('connection-lost');
  at.proxy.target = target;
  expect(await result).toMatchObject({ structuredContent: { square: 9 } });
  expect(at.typesOf()).toContain('connection-restored');
  await client.close();
});

test('contact that is lost for good is said to be that, with the reference', async () => {
  await using at = await open({ requestRetries: 1 });
  const client = await at.connect();
  const task = await client.startTool(noteCall(3, 100));
  at.proxy.target = undefined;
  const error = await failureOf(task.result());
  expect(error).toMatchObject({ name: 'ServerUnavailableError', reference: task.reference });
  expect(error.message).toMatch(/Contact with the server was lost/);
  await client.close();
});

test('`Retry-After` is the least pause before the request is sent again', async () => {
  await using at = await open();
  const client = await at.connect();
  await client.explainTools();
  faultOnce(at.proxy, START, {
    kind: 'status',
    when: 'before',
    status: 429,
    headers: { 'retry-after': '2' },
  });
  const begunAt = performance.now();
  await client.startTool(noteCall(1)).then(task => task.detach());
  expect(performance.now() - begunAt).toBeGreaterThan(2000);
  await client.close();
});

test.each([
  ['429 with `Retry-After`', 429, { 'retry-after': '2' }, 2000],
  ['503 with `Retry-After`', 503, { 'retry-after': '2' }, 2000],
  ['429 alone', 429, {}, 1000],
] as const)(
  'one request that is turned away with %s holds back every wait',
  async (_, status, headers, pauseMs) => {
    await using at = await open();
    const client = await at.connect();
    await client.explainTools();
    const times: number[] = [];
    let turnedAwayAt = 0;
    at.proxy.decide = () => {
      times.push(performance.now());
      if (turnedAwayAt > 0) return undefined;
      turnedAwayAt = performance.now();
      return { kind: 'status', when: 'before', status, headers };
    };
    const first = client.callTool(noteCall(1));
    await expect.poll(at.typesOf).toContain('request-failed');
    const others = [2, 3, 4].map(id => client.callTool(noteCall(id)));
    await Promise.all([first, ...others]);
    // Timers and clocks round to milliseconds.
    const early = times.filter(at => at > turnedAwayAt && at < turnedAwayAt + pauseMs - 5);
    expect(early).toEqual([]);
    await client.close();
  },
);

test.each([
  ['a renewal', 404],
  ['a repetition', 503],
])('an abort ends a wait at once while it waits for %s', async (_name, status) => {
  await using at = await open({ discoverTimeoutMs: 0 });
  const client = await at.connect();
  const controller = new AbortController();
  const task = await client.startTool(noteCall(1, 100), { signal: controller.signal });
  at.proxy.decide = () => ({ kind: 'status', when: 'before', status });
  const failure = failureOf(task.result());
  await expect.poll(at.typesOf).toContain('request-failed');
  const abortedAt = performance.now();
  controller.abort();
  expect(await failure).toMatchObject({ code: 'ABORTED', reference: task.reference });
  expect(performance.now() - abortedAt).toBeLessThan(100);
  await client.close();
});

test('with `reconnect: false` a session that is gone is the end of the wait', async () => {
  await using at = await open({ reconnect: false, discoverTimeoutMs: 0 });
  const client = await at.connect();
  const task = await client.startTool(noteCall(1, 100));
  faultOnce(at.proxy, POLL, passing['HTTP 404'] as Fault);
  expect(await failureOf(task.result())).toMatchObject({ code: 'SERVER_UNAVAILABLE' });
  expect(at.times('initialize')).toBe(1);
  await client.close();
});
