import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sleep, startTimer } from '../../src/time/sleep.js';

const DAY_MS = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('a sleep ends after its delay and leaves no timer and no listener', async () => {
  const { signal } = new AbortController();
  const ended = vi.fn();
  sleep(1000, signal).then(ended);
  await vi.advanceTimersByTimeAsync(999);
  expect(ended).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(ended).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test("an abort ends a sleep at once with the signal's reason and leaves no timer and no listener", async () => {
  const controller = new AbortController();
  const sleeping = sleep(1000, controller.signal);
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  expect(vi.getTimerCount()).toBe(0);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

test('a sleep under a signal that has aborted already starts no timer', async () => {
  const reason = new Error('before');
  await expect(sleep(1000, AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(vi.getTimerCount()).toBe(0);
});

test('a sleep needs no signal', async () => {
  const ended = vi.fn();
  sleep(5).then(ended);
  await vi.advanceTimersByTimeAsync(5);
  expect(ended).toHaveBeenCalledOnce();
});

test.each([
  ['30 days', 30 * DAY_MS],
  ['exactly the longest timer', 2 ** 31 - 1],
  ['one more than the longest timer', 2 ** 31],
  ['three times the longest timer', 3 * (2 ** 31 - 1)],
])('a delay of %s is kept, though it may be beyond what setTimeout takes', async (_name, delayMs) => {
  const fire = vi.fn();
  startTimer(delayMs, fire);
  await vi.advanceTimersByTimeAsync(delayMs - 1);
  expect(fire).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(fire).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});

test('a long timer can be stopped in any of its parts', async () => {
  const fire = vi.fn();
  const stop = startTimer(60 * DAY_MS, fire);
  await vi.advanceTimersByTimeAsync(40 * DAY_MS);
  stop();
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(30 * DAY_MS);
  expect(fire).not.toHaveBeenCalled();
});

test('a timer without end never fires and can be stopped', async () => {
  const fire = vi.fn();
  const stop = startTimer(Number.POSITIVE_INFINITY, fire);
  await vi.advanceTimersByTimeAsync(100 * DAY_MS);
  expect(fire).not.toHaveBeenCalled();
  stop();
  expect(vi.getTimerCount()).toBe(0);
});
