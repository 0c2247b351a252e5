import fc from 'fast-check';
import { expect, test } from 'vitest';
import { reconnectDelayMs } from '../../../src/client/http/reconnect-delay.js';

test.each<[number, number | undefined, number]>([
  [0, undefined, 1000],
  [1, undefined, 1000],
  [2, undefined, 2000],
  [3, undefined, 4000],
  [4, undefined, 8000],
  [40, undefined, 60_000],
  [0, 0, 1000],
  [3, 0, 4000],
  [1, 500, 500],
  [1, 1, 250],
  [2, 500, 2000],
  [2, 5000, 5000],
  [1, 1e12, 60_000],
])('after %d streams that brought nothing and with `retry: %s`, %d ms', (fruitless, retryMs, delayMs) => {
  expect(reconnectDelayMs({ fruitless, retryMs, minDelayMs: 250 })).toBe(delayMs);
});

test('it is never shorter than the least delay, nor longer than a minute', () => {
  const count = fc.nat({ max: 1e6 });
  fc.assert(
    fc.property(count, fc.option(fc.nat(), { nil: undefined }), (fruitless, retryMs) => {
      const delayMs = reconnectDelayMs({ fruitless, retryMs, minDelayMs: 250 });
      expect(delayMs).toBeGreaterThanOrEqual(250);
      expect(delayMs).toBeLessThanOrEqual(60_000);
    }),
  );
});
