import { describe, expect, it } from 'vitest';
import { RETRY_DELAYS_MS, retryDelayMs } from '../../../src/server/webhooks/deliver-webhook.js';

const delaysMs = RETRY_DELAYS_MS;

describe('the wait after a failed attempt', () => {
  it('grows from 5 s to 10 h, and ends after eight attempts', () => {
    const waits = Array.from({ length: 9 }, (_, index) =>
      retryDelayMs({ attempt: index + 1, delaysMs, retryAfterMs: undefined, random: 0 }),
    );
    const [second, minute, hour] = [1000, 60_000, 3_600_000];
    expect(waits).toEqual([
      5 * second,
      minute,
      5 * minute,
      30 * minute,
      2 * hour,
      5 * hour,
      10 * hour,
      undefined,
      undefined,
    ]);
  });

  it('is up to a fifth longer, at random', () => {
    const wait = (random: number) => retryDelayMs({ attempt: 1, delaysMs, retryAfterMs: undefined, random });
    expect([wait(0), wait(0.5), wait(1)]).toEqual([5000, 5500, 6000]);
  });

  it.each([
    ['a longer one is obeyed', 30_000, 30_000],
    ['a shorter one does not hurry us', 1000, 5000],
    ['an absurd one is cut to 10 h', 1e15, 36_000_000],
  ])('follows the wish of the receiver: %s', (_case, retryAfterMs, expected) => {
    expect(retryDelayMs({ attempt: 1, delaysMs, retryAfterMs, random: 0 })).toBe(expected);
  });

  it('is over after the last attempt, whatever the receiver wishes', () => {
    expect(retryDelayMs({ attempt: 8, delaysMs, retryAfterMs: 1000, random: 0 })).toBeUndefined();
  });
});
