import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { latencyOf, latencyRange } from '../../../src/cli/load/latency.js';

describe('a latency on the command line', () => {
  test.each([
    ['10s-15s', { leastMs: 10_000, mostMs: 15_000 }],
    ['100ms-1.5s', { leastMs: 100, mostMs: 1500 }],
    ['2s', { leastMs: 2000, mostMs: 2000 }],
    ['0s-1h', { leastMs: 0, mostMs: 3_600_000 }],
  ])('%s', (text, range) => {
    expect(latencyRange(text)).toEqual(range);
  });

  test.each(['', '10', '10s-', '-5s', '15s-10s', '1s-2s-3s', 'long', '1s-2h'])('%j is refused', text => {
    expect(() => latencyRange(text)).toThrow(/^Expected /);
  });
});

describe('the latency of a task', () => {
  const range = { leastMs: 1000, mostMs: 3000 };

  test('is within the range, and the same for the same seed and task', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(10_000), fc.nat(10_000), (seed, index, leastMs, spreadMs) => {
        const drawn = { leastMs, mostMs: leastMs + spreadMs };
        const latencyMs = latencyOf(drawn, seed, index);
        expect(latencyMs).toBeGreaterThanOrEqual(leastMs);
        expect(latencyMs).toBeLessThanOrEqual(leastMs + spreadMs);
        expect(latencyOf(drawn, seed, index)).toBe(latencyMs);
      }),
    );
  });

  test('is spread evenly, and another with another seed', () => {
    const drawn = (seed: number) => Array.from({ length: 1000 }, (_, index) => latencyOf(range, seed, index));
    const mean = drawn(7).reduce((sum, latencyMs) => sum + latencyMs, 0) / 1000;
    expect(mean).toBeGreaterThan(1900);
    expect(mean).toBeLessThan(2100);
    expect(drawn(8)).not.toEqual(drawn(7));
  });
});
