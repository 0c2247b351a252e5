import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { IdleTimer } from '../../src/time/sleep.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test('fires once after the limit, and again only after a new sign of life', async () => {
  const onIdle = vi.fn();
  using timer = new IdleTimer({ limitMs: 1000, onIdle });
  await vi.advanceTimersByTimeAsync(999);
  timer.sign();
  await vi.advanceTimersByTimeAsync(999);
  expect(onIdle).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(5000);
  expect(onIdle).toHaveBeenCalledTimes(1);
  timer.sign();
  await vi.advanceTimersByTimeAsync(1000);
  expect(onIdle).toHaveBeenCalledTimes(2);
});

test('takes signs of life from elsewhere, and counts from the last one', async () => {
  const onIdle = vi.fn();
  let isOpen = true;
  let closedAt = 0;
  const lastSignAt = () => (isOpen ? performance.now() : closedAt);
  using _timer = new IdleTimer({ limitMs: 1000, lastSignAt, onIdle });
  await vi.advanceTimersByTimeAsync(5300);
  [isOpen, closedAt] = [false, performance.now()];
  await vi.advanceTimersByTimeAsync(999);
  expect(onIdle).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(onIdle).toHaveBeenCalledTimes(1);
});

test('leaves no timer when it is disposed, and has none without a limit', () => {
  new IdleTimer({ limitMs: 1000, onIdle() {} })[Symbol.dispose]();
  new IdleTimer({ limitMs: Number.POSITIVE_INFINITY, onIdle() {} }).sign();
  expect(vi.getTimerCount()).toBe(0);
});
