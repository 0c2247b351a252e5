import { expect, test } from 'vitest';
import { summaryOf, tally } from '../../../src/cli/load/statistics.js';

const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

test.each([
  [[7], { p50: 7, p99: 7, max: 7 }],
  [[3, 1, 2], { p50: 2, p99: 3, max: 3 }],
  [[4, 1, 3, 2], { p50: 2, p99: 4, max: 4 }],
  [hundred, { p50: 50, p99: 99, max: 100 }],
  [[...hundred, 1000], { p50: 51, p99: 100, max: 1000 }],
])('the summary of %j', (numbers, summary) => {
  expect(summaryOf(numbers)).toEqual(summary);
});

test('no numbers have no summary', () => {
  expect(summaryOf([])).toBeUndefined();
});

test('words are counted, the most frequent first', () => {
  expect(Object.entries(tally(['a', 'b', 'b', 'constructor', 'b', 'a']))).toEqual([
    ['b', 3],
    ['a', 2],
    ['constructor', 1],
  ]);
});
