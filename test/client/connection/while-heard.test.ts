import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchSilence } from '../../../src/client/connection/while-heard.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const MINUTE_MS = 60_000;

/** How long is waited for a server that says something at these times, in minutes. */
function waitedFor(timeoutMs: number, heardAt: readonly number[]): number {
  const startedAt = performance.now();
  let gaveUpAfterMs = Number.NaN;
  const heard = () => heardAt.map(at => startedAt + at * MINUTE_MS).findLast(at => at <= performance.now());
  watchSilence({ timeoutMs, heardAt: heard }, () => {
    gaveUpAfterMs = performance.now() - startedAt;
  });
  vi.advanceTimersByTime(60 * MINUTE_MS);
  expect(vi.getTimerCount()).toBe(0);
  return gaveUpAfterMs / MINUTE_MS;
}

test.each([
  ['says nothing', 1, [], 1],
  ['says something and falls silent', 1, [0.5, 1.2], 2.2],
  ['says something now and then, and never answers', 1, Array.from({ length: 100 }, (_, at) => at / 2), 10],
  ['says something, where more than ten minutes were given', 20, [15], 20],
])('a server that %s is given up on', (_what, timeoutMinutes, heardAt, minutes) => {
  expect(waitedFor(timeoutMinutes * MINUTE_MS, heardAt)).toBeCloseTo(minutes, 3);
});

test('nobody is given up on once it is stopped', () => {
  const giveUp = vi.fn();
  watchSilence({ timeoutMs: MINUTE_MS, heardAt: () => undefined }, giveUp)();
  vi.advanceTimersByTime(60 * MINUTE_MS);
  expect(giveUp).not.toHaveBeenCalled();
});
