import { describe, expect, test, vi } from 'vitest';
import { largestHolder, ShareLimiter } from '../../src/server/fair-share.js';

describe('largestHolder', () => {
  test.each([
    ['ada has most', ['ada', 'ada', 'bob'], 'bob', undefined],
    ['ada has two more', ['ada', 'ada', 'ada', 'bob'], 'bob', 'ada'],
    ['the asker has none, ada two', ['ada', 'ada'], 'cid', 'ada'],
    ['the asker has none, nobody two', ['ada', 'bob'], 'cid', undefined],
    ['the asker has most', ['ada', 'ada', 'ada'], 'ada', undefined],
    ['nobody has any', [], 'ada', undefined],
  ])('%s', (_, principals, asker, expected) => {
    expect(largestHolder(principals, asker)).toBe(expected);
  });
});

describe('ShareLimiter', () => {
  test('gives the place of the oldest of whoever has most to another', () => {
    const limiter = new ShareLimiter(3);
    const giveUp = [vi.fn(), vi.fn(), vi.fn()];
    for (const each of giveUp) expect(limiter.enter('ada', each)).toBeDefined();
    expect(limiter.enter('ada', () => {})).toBeUndefined();
    expect(limiter.enter('bob', () => {})).toBeDefined();
    expect(giveUp.map(each => each.mock.calls.length)).toEqual([1, 0, 0]);
    expect(limiter.size).toBe(3);
  });

  test('frees a place once, whoever has it by then', () => {
    const limiter = new ShareLimiter(2);
    const leave = limiter.enter('ada', () => {});
    limiter.enter('ada', () => {});
    limiter.enter('bob', () => {});
    leave?.();
    leave?.();
    expect(limiter.size).toBe(2);
  });
});
