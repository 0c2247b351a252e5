import { describe, expect, test } from 'vitest';
import { fullOwners } from '../../src/engine/owner-shares.js';

const places = { concurrency: 50, shareOf: (owner: string) => (owner === 'local' ? 1 : 0.8) };
const running = (counts: Record<string, number>) =>
  Object.entries(counts).flatMap(([owner, count]) => Array.from({ length: count }, () => ({ owner })));

/** How many places each of some owners gets that take whatever they can, in turns. */
function filled(owners: readonly string[], concurrency: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let round = 0; round < concurrency; round++) {
    for (const owner of owners) {
      const isTaken = Object.values(counts).reduce((sum, count) => sum + count, 0) >= concurrency;
      const full = fullOwners(running(counts), { ...places, concurrency });
      if (!isTaken && !full.includes(owner)) counts[owner] = (counts[owner] ?? 0) + 1;
    }
  }
  return counts;
}

describe('an owner that takes all it can', () => {
  test.each([
    [['bob'], 50, { bob: 40 }],
    [['bob', 'cid'], 50, { bob: 22, cid: 22 }],
    [['bob', 'cid', 'dan'], 50, { bob: 16, cid: 15, dan: 15 }],
    [['local'], 50, { local: 50 }],
    [['bob'], 4, { bob: 3 }],
    [['bob'], 2, { bob: 1 }],
    [['bob'], 1, { bob: 1 }],
  ])('%j of %i places: %j', (owners, concurrency, expected) => {
    expect(filled(owners, concurrency)).toEqual(expected);
  });
});

test('one that runs nothing may take the last place', () => {
  expect(fullOwners(running({ bob: 49 }), places)).toEqual(['bob']);
});

test('without shares, nobody is full', () => {
  expect(fullOwners(running({ bob: 50 }), { concurrency: 50 })).toEqual([]);
});
