import { describe, expect, test } from 'vitest';
import { distributions, leastLateness, simulate } from '../../bench/waiting-simulation.js';

describe.each(Object.entries(distributions))('tasks of %s', (name, distribution) => {
  const figures = simulate(distribution, { series: 3, tasks: 192 });
  const { backoff, learned } = figures as Record<'backoff' | 'learned', (typeof figures)[string]>;

  test('are noticed less late than by backoff, cold or warm, and then with no more requests', () => {
    for (const phase of ['cold', 'warm'] as const) {
      expect(learned[phase].lateMs).toBeLessThan(backoff[phase].lateMs);
    }
    expect(learned.warm.requests).toBeLessThanOrEqual(backoff.warm.requests * 1.05);
  });

  test.skipIf(name.startsWith('log-normal'))('are noticed four times less late once warm', () => {
    expect(learned.warm.lateMs).toBeLessThan(backoff.warm.lateMs / 4);
  });

  test.runIf(name.startsWith('log-normal'))('are noticed nearly as early as anybody could', () => {
    expect(learned.warm.lateMs).toBeLessThan(leastLateness(distribution, backoff.warm.requests) * 1.6);
  });
});
