import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { sleep } from '../../../src/time/sleep.js';
import { type AwaitFixture, awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import {
  completed,
  pairTools,
  startCall,
  started,
  status,
  working,
} from '../../fixtures/client/scripted-pair.js';
import { json, type Reply } from '../../fixtures/client/scripted-server.js';

const POLL = 'resolve_task_status';
const START = 'initiate_background_task';

/** As the bundled server lists them. */
const waiting = {
  inputSchema: {
    type: 'object',
    properties: { task_ref: { type: 'string' }, wait_seconds: { type: 'number' } },
  },
} as const;
const definitions = { [START]: waiting, [POLL]: waiting };

/** Holds the answer back for as long as it is asked to, or until the task ends `endsAfterMs` from now. */
function held(endsAfterMs: number): Reply {
  const endAt = performance.now() + endsAfterMs;
  return async request => {
    const waitMs = Number(request.arguments.wait_seconds ?? 0) * 1000;
    const remainingMs = endAt - performance.now();
    const holdMs = Math.min(waitMs, remainingMs);
    if (holdMs > 0) await sleep(holdMs, request.signal);
    return endAt <= performance.now() ? completed(request) : working(request);
  };
}

const waitsOf = ({ server }: AwaitFixture, tool: string) =>
  server.calls.filter(call => call.tool === tool).map(call => call.arguments.wait_seconds);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('a server that can hold its answers back', () => {
  test('is asked once for a task of 15 s, and tells its end at once', async () => {
    const fixture = await awaitFixture(pairTools(held(15_000)), { definitions });
    const begunAt = performance.now();
    const result = fixture.client.callTool(startCall).then(() => performance.now() - begunAt);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await result).toBe(15_000);
    expect(waitsOf(fixture, START)).toEqual([1]);
    expect(waitsOf(fixture, POLL)).toEqual([20]);
  });

  test('is asked again at once for as long as the task runs', async () => {
    const fixture = await awaitFixture(pairTools(held(47_000)), { definitions });
    const result = fixture.client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(47_000);
    await result;
    expect(fixture.callTimes(POLL)).toEqual([0, 20_000, 40_000]);
  });

  test('is asked for as long as `longPollMs` says, and at intervals where that is 0', async () => {
    const short = await awaitFixture(pairTools(held(9000)), { definitions, longPollMs: 5000 });
    const off = await awaitFixture(pairTools(held(2500)), { definitions, longPollMs: 0, inlineWaitMs: 0 });
    const results = [short, off].map(({ client }) => client.callTool(startCall));
    await vi.advanceTimersByTimeAsync(9000);
    await Promise.all(results);
    expect(waitsOf(short, POLL)).toEqual([5, 5]);
    expect(waitsOf(off, START)).toEqual([0]);
    expect(waitsOf(off, POLL)).toEqual([0, 0]);
    expect(off.callTimes(POLL)).toEqual([1000, 3000]);
  });

  test('that answers at once all the same is asked at intervals', async () => {
    const fixture = await awaitFixture(pairTools([working, working, working, completed]), { definitions });
    const result = fixture.client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(20_000);
    await result;
    expect(fixture.callTimes(POLL)).toEqual([0, 2000, 6000, 14_000]);
  });

  test('is let go promptly by an abort', async () => {
    const fixture = await awaitFixture(pairTools(held(3_600_000)), { definitions });
    const controller = new AbortController();
    const failure = failureOf(fixture.client.callTool(startCall, undefined, { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(3000);
    controller.abort();
    expect(await failure).toMatchObject({ code: 'ABORTED', reference: expect.any(Object) });
    await vi.advanceTimersByTimeAsync(0);
    expect(fixture.server.count('notifications/cancelled')).toBe(1);
  });

  test('is asked without waiting first about a task that is resumed, and then held', async () => {
    const fixture = await awaitFixture(pairTools(held(30_000)), { definitions });
    const { reference } = await fixture.client.startTool(startCall);
    if (reference === undefined) throw new Error('A task has a reference.');
    const resumed = await fixture.client.resumeTask(reference);
    const result = resumed.result();
    await vi.advanceTimersByTimeAsync(30_000);
    await result;
    expect(waitsOf(fixture, POLL)).toEqual([0, 20, 20]);
  });

  test('tells progress while it holds an answer', async () => {
    const reporting: Reply = async request => {
      await request.progress({ progress: 3, total: 4, message: 'Three done' });
      return held(0)(request);
    };
    const updates: unknown[] = [];
    const { client } = await awaitFixture(pairTools(reporting), { definitions });
    await client.callTool(startCall, undefined, { onUpdate: ({ progress }) => updates.push(progress) });
    expect(updates).toContainEqual({ progress: 3, total: 4, message: 'Three done' });
  });

  test('holds a limited number of requests of one client; the other waits ask at intervals', async () => {
    const fixture = await awaitFixture(pairTools(held(10_000)), {
      definitions,
      inlineWaitMs: 0,
      maxPollsPerSecond: 100,
    });
    const results = Array.from({ length: 40 }, () => fixture.client.callTool(startCall));
    await vi.advanceTimersByTimeAsync(500);
    expect(fixture.callTimes(POLL)).toHaveLength(32);
    await vi.advanceTimersByTimeAsync(20_000);
    await Promise.all(results);
  });
});

test('starts that the server holds keep no others waiting, of which a limited number is under way', async () => {
  const holding: Reply = async request => {
    await sleep(request.arguments.wait_seconds === 0 ? 500 : 1000, request.signal);
    return started({ task_ref: 'task-1', status: 'processing' })(request);
  };
  const fixture = await awaitFixture(pairTools(completed, holding), { definitions });
  const results = Array.from({ length: 80 }, () => fixture.client.callTool(startCall));
  await vi.advanceTimersByTimeAsync(400);
  expect(waitsOf(fixture, START).toSorted()).toEqual([...Array(32).fill(0), ...Array(32).fill(1)]);
  await vi.advanceTimersByTimeAsync(200);
  expect(waitsOf(fixture, START)).toHaveLength(80);
  await vi.advanceTimersByTimeAsync(20_000);
  await Promise.all(results);
});

test('starts of a tool that has no wait argument take no permits of held requests', async () => {
  const slow: Reply = async request => {
    await sleep(500, request.signal);
    return started({ task_ref: 'task-1', status: 'processing' })(request);
  };
  const fixture = await awaitFixture(pairTools(completed, slow));
  const results = Array.from({ length: 80 }, () => fixture.client.callTool(startCall));
  await vi.advanceTimersByTimeAsync(400);
  expect(waitsOf(fixture, START)).toHaveLength(32);
  await vi.advanceTimersByTimeAsync(20_000);
  await Promise.all(results);
});

describe('an inline answer', () => {
  const inline = json({ task_ref: 'task-1', status: 'completed', result: { answer: 42 }, error: null });

  test('ends the call with the one request', async () => {
    const fixture = await awaitFixture(pairTools(working, inline), { definitions });
    expect(await fixture.client.callTool(startCall)).toMatchObject({ structuredContent: { answer: 42 } });
    expect(fixture.server.calls).toHaveLength(1);
  });

  test('may be a failure', async () => {
    const error = { code: 'NO', message: 'No.', retryable: false };
    const answer = json({ task_ref: 'task-1', status: 'failed', result: null, error });
    const fixture = await awaitFixture(pairTools(working, answer), { definitions });
    expect(await fixture.client.callTool(startCall)).toMatchObject({
      isError: true,
      structuredContent: { status: 'failed', error: { code: 'NO' } },
    });
  });

  test('is asked for as long as `inlineWaitMs` says, and by `startTool` only where that is given', async () => {
    const fixture = await awaitFixture(pairTools(completed, inline), { definitions, inlineWaitMs: 300 });
    await fixture.client.callTool(startCall);
    await fixture.client.startTool(startCall);
    const handle = await fixture.client.startTool(startCall, { inlineWaitMs: 2000 });
    expect(waitsOf(fixture, START)).toEqual([0.3, 0, 2]);
    expect(handle).toMatchObject({ snapshot: { status: 'completed' }, reference: { tool: START } });
  });

  test('that names an end without its result is followed by a status request', async () => {
    const fixture = await awaitFixture(pairTools(completed, started({ status: 'completed' })), {
      definitions,
    });
    const result = fixture.client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(0);
    expect(await result).toMatchObject({ structuredContent: { answer: 42 } });
  });

  test('is not asked of a server that has no such argument', async () => {
    const fixture = await awaitFixture(pairTools([status('processing'), completed]));
    const result = fixture.client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(10_000);
    await result;
    expect([...waitsOf(fixture, START), ...waitsOf(fixture, POLL)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
