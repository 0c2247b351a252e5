import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PostponedError } from '../../../src/client/http/refusal.js';
import { PollScheduler } from '../../../src/client/waiting/poll-scheduler.js';
import type { PollAnswer, Protocol } from '../../../src/protocols/protocol.js';
import { awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import { completed, pairTools, startCall, started } from '../../fixtures/client/scripted-pair.js';
import { json, type Reply } from '../../fixtures/client/scripted-server.js';

const POLL = 'resolve_task_status';
const START = 'initiate_background_task';

const definitions = {
  [POLL]: { inputSchema: { type: 'object', properties: { task_ref: {}, task_refs: { type: 'array' } } } },
} as const;

/** Every start is another task. */
function counting(): Reply {
  let count = 0;
  return request => started({ task_ref: `task-${++count}` })(request);
}

const stateOf = (task_ref: string, status = 'completed') => ({
  task_ref,
  status,
  result: status === 'completed' ? { of: task_ref } : null,
  error: null,
});

/** Tells of one or of many that they are done. */
const allDone: Reply = request => {
  const { task_ref, task_refs } = request.arguments;
  const answer = Array.isArray(task_refs)
    ? { tasks: task_refs.map(ref => stateOf(ref)) }
    : stateOf(String(task_ref));
  return json(answer)(request);
};

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('the status requests of one client', () => {
  test('are at most 20 at once and 20 a second', async () => {
    const { client, callTimes } = await awaitFixture(pairTools(completed));
    const results = Promise.all(Array.from({ length: 100 }, () => client.callTool(startCall)));
    await vi.advanceTimersByTimeAsync(10_000);
    await results;
    const times = callTimes(POLL);
    expect(times.filter(at => at < 1001)).toHaveLength(20);
    for (const from of [1001, 2001, 3001])
      expect(times.filter(at => at >= from && at < from + 1000).length).toBeLessThanOrEqual(20);
    expect(times.at(-1)).toBeLessThan(5100);
  });

  test('have the limit that `maxPollsPerSecond` sets', async () => {
    const { client, callTimes } = await awaitFixture(pairTools(completed), { maxPollsPerSecond: 2 });
    const results = Promise.all(Array.from({ length: 6 }, () => client.callTool(startCall)));
    await vi.advanceTimersByTimeAsync(10_000);
    await results;
    expect(callTimes(POLL).map(at => Math.round(at / 500) * 500)).toEqual([
      1000, 1000, 1500, 2000, 2500, 3000,
    ]);
  });

  test.each([0, -1, Number.NaN])('cannot be limited to %d a second', async maxPollsPerSecond => {
    const refused = await failureOf(awaitFixture(pairTools(completed), { maxPollsPerSecond }));
    expect(refused.message).toBe(
      `Expected \`maxPollsPerSecond\` to be a positive number, got ${maxPollsPerSecond}`,
    );
  });

  test('take turns: no task is asked about twice while another waits', async () => {
    const running: Reply = request =>
      json(stateOf(String(request.arguments.task_ref), 'processing'))(request);
    const { client, server } = await awaitFixture(pairTools(running, counting()), {
      maxPollsPerSecond: 4,
      initialIntervalMs: 100,
      backoffMultiplier: 1,
      pacing: 'backoff',
    });
    const controller = new AbortController();
    const { signal } = controller;
    const ends = Array.from({ length: 8 }, () =>
      failureOf(client.callTool(startCall, undefined, { signal })),
    );
    await vi.advanceTimersByTimeAsync(6000);
    const asked = server.calls
      .filter(({ tool }) => tool === POLL)
      .map(call => String(call.arguments.task_ref));
    const counts = [...new Set(asked)].map(ref => asked.filter(other => other === ref).length);
    expect(counts).toHaveLength(8);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    controller.abort();
    await Promise.all(ends);
  });

  test('leave the queue at once when their wait is aborted', async () => {
    const { client, server } = await awaitFixture(pairTools(completed), { maxPollsPerSecond: 1 });
    const controller = new AbortController();
    const first = client.callTool(startCall);
    const second = failureOf(client.callTool(startCall, undefined, { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(1100);
    await first;
    controller.abort();
    expect(await second).toMatchObject({ code: 'ABORTED', reference: { tool: START } });
    expect(server.calls.filter(({ tool }) => tool === POLL)).toHaveLength(1);
  });
});

describe('tasks whose server can tell of many at once', () => {
  test('share requests when they have to queue, and each gets its own result', async () => {
    const fixture = await awaitFixture(pairTools(allDone, counting()), { definitions });
    const results = Promise.all(Array.from({ length: 250 }, () => fixture.client.callTool(startCall)));
    await vi.advanceTimersByTimeAsync(2000);
    expect((await results).map(result => result.structuredContent)).toEqual(
      Array.from({ length: 250 }, (_, index) => ({ of: `task-${index + 1}` })),
    );
    const asked = fixture.server.calls.filter(({ tool }) => tool === POLL);
    expect(asked.length).toBeLessThanOrEqual(24);
    for (const { arguments: given } of asked)
      expect(((given.task_refs as unknown[]) ?? [given.task_ref]).length).toBeLessThanOrEqual(100);
  });

  test('are asked alone when the answer has no room for them, and fail alone', async () => {
    const tellSome: Reply = request => {
      const { task_ref, task_refs } = request.arguments;
      if (!Array.isArray(task_refs)) return json(stateOf(String(task_ref)))(request);
      const [unknown, ...told] = task_refs.slice(0, -1);
      const error = { code: 'FORBIDDEN', message: 'Not yours.', retryable: false };
      return json({ tasks: [{ task_ref: unknown, error }, ...told.map(ref => stateOf(ref))] })(request);
    };
    const { client, server } = await awaitFixture(pairTools(tellSome, counting()), {
      definitions,
      maxPollsPerSecond: 1,
    });
    const ends = Promise.allSettled(Array.from({ length: 5 }, () => client.callTool(startCall)));
    await vi.advanceTimersByTimeAsync(5000);
    expect((await ends).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    expect((await ends)[1]).toMatchObject({
      reason: { code: 'STATUS_CHECK_FAILED', reference: { tool: START } },
    });
    const asked = server.calls.filter(({ tool }) => tool === POLL).map(call => call.arguments);
    expect(asked).toEqual([
      { task_ref: 'task-1' },
      { task_refs: ['task-2', 'task-3', 'task-4', 'task-5'] },
      { task_ref: 'task-5' },
    ]);
  });

  test('leave the queue for good when they are aborted while they wait to be asked alone', async () => {
    const leaveOut: Reply = request => {
      const { task_ref, task_refs } = request.arguments;
      return json(Array.isArray(task_refs) ? { tasks: [] } : stateOf(String(task_ref)))(request);
    };
    const { client, server } = await awaitFixture(pairTools(leaveOut, counting()), {
      definitions,
      maxPollsPerSecond: 1,
    });
    const first = client.callTool(startCall);
    const controller = new AbortController();
    const { signal } = controller;
    const ends = [1, 2].map(() => failureOf(client.callTool(startCall, undefined, { signal })));
    await vi.advanceTimersByTimeAsync(2100);
    await first;
    controller.abort();
    expect((await Promise.all(ends)).map(({ code }) => code)).toEqual(['ABORTED', 'ABORTED']);
    expect(vi.getTimerCount()).toBe(0);
    const asked = server.calls.filter(({ tool }) => tool === POLL).map(call => call.arguments);
    expect(asked).toEqual([{ task_ref: 'task-1' }, { task_refs: ['task-2', 'task-3'] }]);
  });

  test('share a request that goes on for the others when one wait is aborted, and ends with the last', async () => {
    let aborted = false;
    const silent: Reply = request =>
      new Promise((_, reject) => {
        request.signal.addEventListener('abort', () => {
          aborted = Array.isArray(request.arguments.task_refs);
          reject(new Error('aborted'));
        });
      });
    const { client } = await awaitFixture(pairTools([completed, silent], counting()), {
      definitions,
      maxPollsPerSecond: 1,
    });
    const first = client.callTool(startCall);
    const [one, other] = [new AbortController(), new AbortController()];
    const ends = [one, other].map(({ signal }) =>
      failureOf(client.callTool(startCall, undefined, { signal })),
    );
    await vi.advanceTimersByTimeAsync(2500);
    one.abort();
    await expect(ends[0]).resolves.toMatchObject({ code: 'ABORTED' });
    await vi.advanceTimersByTimeAsync(10);
    expect(aborted).toBe(false);
    other.abort();
    await expect(ends[1]).resolves.toMatchObject({ code: 'ABORTED' });
    await vi.advanceTimersByTimeAsync(10);
    expect(aborted).toBe(true);
    await first;
  });
});

describe('a server that turns requests away', () => {
  const turnedAway = [
    ['for the time it says', new PostponedError(503, 'later', 5000), 5000],
    ['for a second when it does not say how long', new StreamableHTTPError(429, 'too many'), 1000],
    ['for five minutes at most', new PostponedError(429, 'later', 1e9), 300_000],
  ] as const;

  test.each(turnedAway)('is left alone by every wait %s', async (_, error, pauseMs) => {
    const times: number[] = [];
    let failed = false;
    const protocol = {
      name: 'test',
      async poll(): Promise<PollAnswer> {
        times.push(performance.now());
        if (failed) return { kind: 'running', status: 'working', raw: undefined };
        failed = true;
        throw error;
      },
    } as unknown as Protocol;
    const scheduler = new PollScheduler(Number.POSITIVE_INFINITY);
    const { signal } = new AbortController();
    const due = { protocol, handle: 1, exchange: { signal, holdMs: 0 } as never };
    const begunAt = performance.now();
    await expect(scheduler.poll(due)).rejects.toBe(error);
    scheduler.pause('retryAfterMs' in error ? error.retryAfterMs : undefined);
    const others = Promise.all([scheduler.poll(due), scheduler.poll(due), scheduler.ready(signal)]);
    await vi.advanceTimersByTimeAsync(pauseMs + 1);
    await others;
    expect(times.slice(1).map(at => at - begunAt)).toEqual([pauseMs, pauseMs]);
  });
});
