import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultWaitOptions } from '../../src/client/options.js';
import { backoffDelay, nextDelay, type Pacing } from '../../src/pacing/next-delay.js';

const defaults: Pacing = defaultWaitOptions;
const steady: Pacing = { ...defaults, jitter: 0 };
const random = () => 0.5;

const delays = (count: number, pacing: Pacing) =>
  Array.from({ length: count }, (_, attempt) => nextDelay({ attempt, pacing, random }));

test.each<[string, Pacing, number[]]>([
  ['the defaults', steady, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]],
  ['a longer first interval', { ...steady, initialIntervalMs: 5000 }, [5000, 10_000, 20_000, 30_000]],
  ['a first interval above the cap', { ...steady, initialIntervalMs: 50_000 }, [30_000, 30_000]],
  ['a steady interval', { ...steady, backoffMultiplier: 1 }, [1000, 1000, 1000]],
  ['a falling interval', { ...steady, backoffMultiplier: 0.5 }, [1000, 500, 250]],
  ['a low cap', { ...steady, maxIntervalMs: 3000 }, [1000, 2000, 3000, 3000]],
])('without jitter %s give exactly the intervals of the table', (_name, pacing, expected) => {
  expect(delays(expected.length, pacing)).toEqual(expected);
});

test('jitter takes at most its share away', () => {
  expect(nextDelay({ attempt: 0, pacing: defaults, random: () => 0 })).toBe(1000);
  expect(nextDelay({ attempt: 0, pacing: defaults, random: () => 1 })).toBe(900);
});

test.each([
  ['less than the interval', 200, 200],
  ['more than the interval', 5000, 5000],
  ['more than the longest interval', 60_000, 60_000],
  ['a week', 7 * 86_400_000, 90_000],
  ['a millisecond', 1, 100],
])('a hint of %s decides, within its limits', (_name, hintMs, expected) => {
  expect(nextDelay({ attempt: 3, hintMs, pacing: steady, random })).toBe(expected);
});

test.each([[0], [-1], [Number.NaN], [Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY], [undefined]])(
  'a hint of %s is no hint',
  hintMs => {
    expect(nextDelay({ attempt: 2, hintMs, pacing: steady, random })).toBe(4000);
  },
);

const positive = fc.double({ min: 1e-3, max: 1e12, noNaN: true });
const anyPacing: fc.Arbitrary<Pacing> = fc.record({
  initialIntervalMs: positive,
  backoffMultiplier: fc.double({ min: 1e-3, max: 100, noNaN: true }),
  maxIntervalMs: positive,
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
});
const anyAttempt = fc.nat(100_000);
const anyChance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('an interval is a finite number, never above the cap, and jitter never lengthens it', () => {
  fc.assert(
    fc.property(anyPacing, anyAttempt, anyChance, (pacing, attempt, chance) => {
      const delay = nextDelay({ attempt, pacing, random: () => chance });
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(pacing.maxIntervalMs);
      expect(delay).toBeLessThanOrEqual(backoffDelay(attempt, pacing));
    }),
  );
});

test('a usable hint is never undercut, save by three of our longest intervals, which nothing exceeds, and never a busy loop', () => {
  fc.assert(
    fc.property(anyPacing, anyAttempt, anyChance, positive, (pacing, attempt, chance, hintMs) => {
      const delay = nextDelay({ attempt, hintMs, pacing, random: () => chance });
      expect(delay).toBeGreaterThanOrEqual(Math.min(hintMs, pacing.maxIntervalMs * 3));
      expect(delay).toBeGreaterThanOrEqual(Math.min(pacing.initialIntervalMs * 0.1, pacing.maxIntervalMs));
      expect(delay).toBeLessThanOrEqual(pacing.maxIntervalMs * 3);
    }),
  );
});

test('whatever a server sends as a hint, the delay is a finite number of 0 or more', () => {
  fc.assert(
    fc.property(anyPacing, anyAttempt, anyChance, fc.double(), (pacing, attempt, chance, hintMs) => {
      const delay = nextDelay({ attempt, hintMs, pacing, random: () => chance });
      expect(Number.isFinite(delay) && delay >= 0).toBe(true);
    }),
  );
});
