import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PollInterval, strayIntervals } from '../../../src/cli/load/backoff-check.js';
import { nextDelay } from '../../../src/pacing/next-delay.js';

const pacing = { initialIntervalMs: 1000, backoffMultiplier: 2, maxIntervalMs: 30_000, jitter: 0.1 };
const LATE_MS = 100;

const stray = (...intervals: PollInterval[]) => strayIntervals(intervals, pacing, LATE_MS);
const interval = (attempt: number, waitedMs: number, hintMs?: number): PollInterval => ({
  attempt,
  hintMs,
  waitedMs,
});

describe('intervals as configured', () => {
  test.each<[string, PollInterval]>([
    ['the first', interval(0, 1000)],
    ['the first, less the jitter', interval(0, 900)],
    ['doubled', interval(3, 8000)],
    ['the longest', interval(9, 30_000)],
    ['late by what the machine lags', interval(0, 1099)],
    ['a timer that fired early', interval(0, 897)],
    ['the hint', interval(0, 5000, 5000)],
    ['the hint and the jitter', interval(4, 5500, 5000)],
    ['a hint that is none', interval(1, 2000, 0)],
  ])('%s', (_case, given) => {
    expect(stray(given)).toEqual([]);
  });
});

describe('intervals that stray', () => {
  test.each<[string, PollInterval]>([
    ['a polling storm', interval(0, 20)],
    ['no doubling', interval(3, 1000)],
    ['beyond the longest', interval(9, 31_000)],
    ['later than the machine lags', interval(0, 1150)],
    ['a hint that was undercut', interval(0, 4900, 5000)],
    ['a hint that was overstayed', interval(0, 5700, 5000)],
  ])('%s', (_case, given) => {
    expect(stray(interval(0, 950), given)).toEqual([given]);
  });
});

const anyPacing = fc.record({
  initialIntervalMs: fc.integer({ min: 200, max: 5000 }),
  backoffMultiplier: fc.double({ min: 1, max: 4, noNaN: true }),
  maxIntervalMs: fc.integer({ min: 5000, max: 60_000 }),
  jitter: fc.double({ min: 0, max: 0.4, noNaN: true }),
});
const chances = fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 12 });
const hints = fc.option(fc.integer({ min: 200, max: 40_000 }), { nil: undefined });

test('whatever chance and the server make of it, a client that follows its pacing never strays', () => {
  fc.assert(
    fc.property(anyPacing, chances, hints, fc.nat(LATE_MS), (someOf, draws, hintMs, lateMs) => {
      const intervals = draws.map((chance, attempt) => {
        const delayMs = nextDelay({ attempt, hintMs, pacing: someOf, random: () => chance });
        return { attempt, hintMs, waitedMs: delayMs + lateMs };
      });
      expect(strayIntervals(intervals, someOf, LATE_MS)).toEqual([]);
    }),
  );
});

test('a client that waits half as long as it should always strays', () => {
  fc.assert(
    fc.property(anyPacing, chances, hints, (someOf, draws, hintMs) => {
      const intervals = draws.map((_, attempt) => {
        const shortestMs = Math.min(
          ...[0, 1].map(chance => nextDelay({ attempt, hintMs, pacing: someOf, random: () => chance })),
        );
        return { attempt, hintMs, waitedMs: shortestMs / 2 };
      });
      expect(strayIntervals(intervals, someOf, LATE_MS)).toEqual(intervals);
    }),
  );
});
