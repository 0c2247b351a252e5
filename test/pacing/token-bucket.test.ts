import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TokenBucket } from '../../src/pacing/token-bucket.js';

describe('a token bucket', () => {
  test('gives a burst at once, and then one token after another', () => {
    const bucket = new TokenBucket({ perSecond: 20, burst: 3 });
    expect([0, 0, 0, 0].map(now => bucket.take(now))).toEqual([0, 0, 0, 50]);
    expect(bucket.take(49)).toBeCloseTo(1);
    expect(bucket.take(50)).toBe(0);
    expect(bucket.take(50)).toBeGreaterThan(0);
  });

  test('saves up no more than a burst', () => {
    const bucket = new TokenBucket({ perSecond: 20, burst: 2 });
    bucket.take(0);
    expect([1e6, 1e6].map(now => bucket.take(now))).toEqual([0, 0]);
    expect(bucket.take(1e6)).toBe(50);
  });

  test('knows no limit where there is none', () => {
    const bucket = new TokenBucket({ perSecond: Number.POSITIVE_INFINITY, burst: 1 });
    expect(Array.from({ length: 100 }, () => bucket.take(0))).toEqual(Array(100).fill(0));
  });

  test('never gives more than the rate and the burst allow, whenever it is asked', () => {
    const steps = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 50 }), (pauses, perSecond) => {
        const bucket = new TokenBucket({ perSecond, burst: perSecond });
        let now = 0;
        let taken = 0;
        for (const pause of pauses) {
          now += pause;
          if (bucket.take(now) === 0) taken++;
        }
        expect(taken).toBeLessThanOrEqual(perSecond + (now * perSecond) / 1000 + 1e-6);
      }),
    );
  });
});
