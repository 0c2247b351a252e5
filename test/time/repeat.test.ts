import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { repeat } from '../../src/time/repeat.js';
import { sleep } from '../../src/time/sleep.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** Work that takes some time, and when each time began and ended. */
function timedWork(workMs: number) {
  const moments: [event: 'began' | 'ended', atMs: number][] = [];
  const startedAt = performance.now();
  const note = (event: 'began' | 'ended') => moments.push([event, performance.now() - startedAt]);
  const work = async () => {
    note('began');
    if (workMs > 0) await sleep(workMs);
    note('ended');
  };
  return { work, moments };
}

test('work is done after the interval, and again an interval after each end', async () => {
  const { work, moments } = timedWork(300);
  const stop = repeat(work, 1000);
  await vi.advanceTimersByTimeAsync(2600);
  expect(moments).toEqual([
    ['began', 1000],
    ['ended', 1300],
    ['began', 2300],
    ['ended', 2600],
  ]);
  await stop();
});

test.each([
  ['before the first time', 999, 0],
  ['between two times', 1500, 1],
])('work that is stopped %s is not done any more', async (_name, afterMs, count) => {
  const work = vi.fn(async () => {});
  const stop = repeat(work, 1000);
  await vi.advanceTimersByTimeAsync(afterMs);
  const stopped = stop();
  expect(vi.getTimerCount()).toBe(0);
  await stopped;
  await vi.advanceTimersByTimeAsync(5000);
  expect(work).toHaveBeenCalledTimes(count);
});

test('a stop waits for the work under way, after which nothing comes', async () => {
  const { work, moments } = timedWork(300);
  const stop = repeat(work, 1000);
  await vi.advanceTimersByTimeAsync(1100);
  let isStopped = false;
  const stopped = stop().then(() => {
    isStopped = true;
  });
  await vi.advanceTimersByTimeAsync(199);
  expect(isStopped).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await stopped;
  expect(moments.at(-1)).toEqual(['ended', 1300]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(moments).toHaveLength(2);
});

test('work that fails is done again, and its failure reaches nobody', async () => {
  const work = vi.fn(async () => {
    throw new Error('not this time');
  });
  const stop = repeat(work, 1000);
  await vi.advanceTimersByTimeAsync(3000);
  expect(work).toHaveBeenCalledTimes(3);
  await expect(stop()).resolves.toBeUndefined();
});

test('a stop during work that fails resolves', async () => {
  const stop = repeat(async () => {
    await sleep(300);
    throw new Error('not this time');
  }, 1000);
  await vi.advanceTimersByTimeAsync(1100);
  const stopped = stop();
  await vi.advanceTimersByTimeAsync(200);
  await expect(stopped).resolves.toBeUndefined();
});

test('the timers of repeated work keep no process alive', async () => {
  const setTimer = vi.spyOn(globalThis, 'setTimeout');
  const stop = repeat(async () => {}, 1000);
  await vi.advanceTimersByTimeAsync(1000);
  const timers = setTimer.mock.results.map(({ value }) => value as NodeJS.Timeout);
  expect(timers.map(timer => timer.hasRef())).toEqual([false, false]);
  await stop();
});
