import { expect, test } from 'vitest';
import { pollAfterMs } from '../../src/server/poll-hint.js';

test.each([
  [0, 1000],
  [-5000, 1000],
  [999, 1000],
  [1000.4, 1000],
  [2500, 2500],
  [29_999.6, 30_000],
  [30_001, 30_000],
  [86_400_000, 30_000],
])('a task of %d ms is to be asked for again after %d ms', (ageMs, expected) => {
  expect(pollAfterMs(ageMs)).toBe(expected);
});

test('whoever follows the hint asks at doubling ages, then every 30 s', () => {
  const ages = [0];
  for (let polls = 0; polls < 8; polls++) {
    const age = ages.at(-1) ?? 0;
    ages.push(age + pollAfterMs(age));
  }
  expect(ages).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 32_000, 62_000, 92_000]);
});
