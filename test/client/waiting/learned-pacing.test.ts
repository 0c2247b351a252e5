import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AwaitClientOptions } from '../../../src/client/options.js';
import { awaitFixture } from '../../fixtures/client/await-fixture.js';
import { completed, pairTools, startCall, started, working } from '../../fixtures/client/scripted-pair.js';
import type { Reply } from '../../fixtures/client/scripted-server.js';

const TASK_MS = 12_000;
const TASKS = 10;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** When the state of each task was asked for, in milliseconds after its start, one task after the other. */
async function requestTimes(options: AwaitClientOptions): Promise<readonly (readonly number[])[]> {
  let startedAt = 0;
  const start: Reply = request => {
    startedAt = performance.now();
    return started()(request);
  };
  const poll: Reply = request => (performance.now() - startedAt < TASK_MS ? working : completed)(request);
  const { client, callTimes } = await awaitFixture(pairTools(poll, start), options);
  const times: number[][] = [];
  for (let task = 0; task < TASKS; task++) {
    const before = callTimes('resolve_task_status').length;
    const result = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(60_000);
    await result;
    const begun = callTimes('initiate_background_task').at(-1) ?? 0;
    times.push(
      callTimes('resolve_task_status')
        .slice(before)
        .map(time => time - begun),
    );
  }
  return times;
}

test('a client begins with backoff and learns when its tasks end', async () => {
  const times = await requestTimes({});
  expect(times[0]).toEqual([1000, 3000, 7000, 15_000]);
  const last = times.at(-1) ?? [];
  expect(last.length).toBeLessThanOrEqual(4);
  expect(last.at(-1)).toBeLessThan(TASK_MS + 500);
});

test('with pacing: backoff, the tenth task is asked for as the first', async () => {
  const times = await requestTimes({ pacing: 'backoff' });
  expect(times).toEqual(Array.from({ length: TASKS }, () => [1000, 3000, 7000, 15_000]));
});

test('another pacing is refused', async () => {
  await expect(requestTimes({ pacing: 'eager' as 'learned' })).rejects.toThrow(
    'Expected `pacing` to be `learned` or `backoff`, got eager',
  );
});
