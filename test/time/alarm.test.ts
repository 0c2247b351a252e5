import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Alarm } from '../../src/time/sleep.js';

const { signal } = new AbortController();

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  vi.useRealTimers();
});

/** Whether the promise settles without any time passing. */
async function isDoneNow(promise: Promise<unknown>): Promise<boolean> {
  const done = vi.fn();
  promise.then(done, done);
  await vi.advanceTimersByTimeAsync(0);
  return done.mock.calls.length > 0;
}

test('an alarm that nobody rings sleeps its whole delay', async () => {
  const sleeping = new Alarm().sleep(1000, signal);
  expect(await isDoneNow(sleeping)).toBe(false);
  await vi.advanceTimersByTimeAsync(1000);
  await expect(sleeping).resolves.toBe(false);
});

test('a ring ends the sleep under way', async () => {
  const alarm = new Alarm();
  const sleeping = alarm.sleep(1000, signal);
  alarm.ring();
  await expect(sleeping).resolves.toBe(true);
});

test('a ring while nobody sleeps is kept and ends the next sleep at once', async () => {
  const alarm = new Alarm();
  alarm.ring();
  expect(await isDoneNow(alarm.sleep(1000, signal))).toBe(true);
});

test('rings do not add up: after any number of them one sleep is short, the next one whole', async () => {
  const alarm = new Alarm();
  alarm.ring();
  alarm.ring();
  await alarm.sleep(1000, signal);
  const second = alarm.sleep(1000, signal);
  expect(await isDoneNow(second)).toBe(false);
  await vi.advanceTimersByTimeAsync(1000);
  await second;
});

test('a ring that ended a sleep does not end the next one', async () => {
  const alarm = new Alarm();
  const first = alarm.sleep(1000, signal);
  alarm.ring();
  await first;
  const second = alarm.sleep(1000, signal);
  expect(await isDoneNow(second)).toBe(false);
  await vi.advanceTimersByTimeAsync(1000);
  await second;
});

test("an abort ends the sleep with the signal's reason, and a ring after it is kept", async () => {
  const alarm = new Alarm();
  const controller = new AbortController();
  const sleeping = alarm.sleep(1000, controller.signal);
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  alarm.ring();
  expect(await isDoneNow(alarm.sleep(1000, signal))).toBe(true);
});

test('a signal that has aborted wins over a ring that was kept', async () => {
  const alarm = new Alarm();
  alarm.ring();
  const reason = new Error('before');
  await expect(alarm.sleep(1000, AbortSignal.abort(reason))).rejects.toBe(reason);
});
