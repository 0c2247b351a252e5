import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CallStats } from '../../../src/client/watches/call-stats.js';
import { awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import {
  cancelled,
  completed,
  failed,
  pairTools,
  startCall,
  statusError,
  working,
} from '../../fixtures/client/scripted-pair.js';
import { json, silence, text } from '../../fixtures/client/scripted-server.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const none = {
  running: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  left: 0,
  refused: 0,
  errors: 0,
  startRequests: 0,
  statusRequests: 0,
  failedRequests: 0,
  meanDurationMs: null,
};

test('a client that has called nothing has no figures', async () => {
  const { client } = await awaitFixture({});
  expect(client.stats()).toEqual({ tools: [] });
});

test('every call is counted once, under how it ended', async () => {
  const retryable = statusError({ code: 'BUSY', message: 'Later.', retryable: true });
  const { client } = await awaitFixture(
    pairTools([working, completed, failed, cancelled, retryable, completed, working]),
    { initialIntervalMs: 1000, pacing: 'backoff' },
  );
  for (let count = 0; count < 4; count++) {
    const call = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(60_000);
    await call;
  }
  (await client.startTool(startCall)).detach();
  const timeout = failureOf(client.callTool(startCall, undefined, { deadlineMs: 500 }));
  await vi.advanceTimersByTimeAsync(500);
  await timeout;
  await client.startTool(startCall);
  const [stats] = client.stats().tools;
  expect(stats).toEqual({
    tool: 'initiate_background_task',
    running: 1,
    completed: 2,
    failed: 1,
    cancelled: 1,
    left: 1,
    refused: 0,
    errors: 1,
    startRequests: 7,
    statusRequests: 5,
    failedRequests: 1,
    meanDurationMs: expect.any(Number),
  });
  // 3 s and 1 s, and 1 s with a request that was repeated.
  expect(stats?.meanDurationMs).toBeGreaterThan(1600);
  expect(stats?.meanDurationMs).toBeLessThan(5000);
  expect(JSON.parse(JSON.stringify(client.stats()))).toEqual(client.stats());
});

test('a resumed task counts as a call that sent no start, and tells nothing of the duration', async () => {
  const { client } = await awaitFixture(pairTools(completed));
  const { reference } = await client.startTool(startCall);
  if (reference === undefined) throw new Error('no reference');
  await (await client.resumeTask(reference)).result();
  expect(client.stats().tools).toEqual([
    {
      ...none,
      tool: 'initiate_background_task',
      running: 1,
      completed: 1,
      startRequests: 1,
      statusRequests: 1,
    },
  ]);
});

test('the breaker shows its state, the time of the next trial and what it refused', async () => {
  const { client } = await awaitFixture(
    { greet: json({ error: { code: 'DOWN', message: 'away' } }, true), other: text('fine') },
    { circuitBreaker: { minimumCalls: 1 } },
  );
  await client.callTool({ name: 'other' });
  await client.callTool({ name: 'greet' });
  await failureOf(client.callTool({ name: 'greet' }));
  const [other, greet] = client.stats().tools;
  expect(other).toMatchObject({ tool: 'other', circuit: { state: 'closed' } });
  expect(other?.circuit).not.toHaveProperty('retryAt');
  expect(greet).toMatchObject({ failed: 1, refused: 1, startRequests: 1, circuit: { state: 'open' } });
  expect(Date.parse(greet?.circuit?.retryAt ?? '')).toBeGreaterThan(Date.now() + 29_000);
});

test('a synchronous call that the caller aborts is left, also while it runs', async () => {
  const { client } = await awaitFixture({ greet: silence });
  const stop = new AbortController();
  const call = failureOf(client.callTool({ name: 'greet' }, undefined, { signal: stop.signal }));
  await vi.advanceTimersByTimeAsync(10);
  expect(client.stats().tools[0]).toMatchObject({ running: 1, left: 0 });
  stop.abort();
  await call;
  expect(client.stats().tools[0]).toMatchObject({ running: 0, left: 1 });
});

test('the number of tools is bounded: the one that was called longest ago is forgotten', () => {
  const stats = new CallStats();
  for (let tool = 0; tool < 1001; tool++) stats.watch(`tool-${tool}`);
  const { tools } = stats.read();
  expect(tools).toHaveLength(1000);
  expect(tools[0]?.tool).toBe('tool-1');
  expect(tools.at(-1)?.tool).toBe('tool-1000');
});
