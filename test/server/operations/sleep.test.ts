import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sleepOperation } from '../../../src/server/operations/sleep.js';
import { refusalOf, runOperation } from './run-operation.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('returns how long it slept', async () => {
  const run = runOperation(sleepOperation(), { seconds: 2.5 });
  await vi.advanceTimersByTimeAsync(2500);
  await expect(run).resolves.toEqual({ slept_seconds: 2.5 });
  expect(vi.getTimerCount()).toBe(0);
});

test('reports about once a second', async () => {
  const onProgress = vi.fn();
  const run = runOperation(sleepOperation(), { seconds: 3.2 }, { onProgress });
  await vi.advanceTimersByTimeAsync(3200);
  await run;
  expect(onProgress.mock.calls.flat()).toEqual([
    { current: 1, total: 3.2 },
    { current: 2, total: 3.2 },
    { current: 3, total: 3.2 },
  ]);
});

test('ends at once and leaves no timer when the signal aborts', async () => {
  const controller = new AbortController();
  const run = runOperation(sleepOperation(), { seconds: 3600 }, { signal: controller.signal });
  controller.abort(new Error('cancelled'));
  await expect(run).rejects.toThrow('cancelled');
  expect(vi.getTimerCount()).toBe(0);
});

test.each([-1, 3601, Number.NaN, '5'])('refuses %s seconds', seconds => {
  expect(refusalOf(sleepOperation(), { seconds })).toBeDefined();
});
