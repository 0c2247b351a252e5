import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldWord, readProgress, valueAt } from '../../src/protocols/payload.js';

test.each([
  ['a', 1],
  ['b.c', 2],
  ['b', { c: 2 }],
  ['b.c.d', undefined],
  ['x', undefined],
  ['list.0', undefined],
  [undefined, undefined],
])('the value at %s is %j', (path, expected) => {
  expect(valueAt({ a: 1, b: { c: 2 }, list: [1] }, path)).toEqual(expected);
});

test.each(['constructor', '__proto__', 'a.constructor', 'toString.name'])(
  'nothing that every object inherits is found at %s',
  path => {
    expect(valueAt({ a: {} }, path)).toBeUndefined();
  },
);

test.each([
  ['In Progress', 'in_progress'],
  ['in-progress', 'in_progress'],
  [' DONE\n', 'done'],
  ['a - b', 'a_b'],
])('the word `%s` folds to `%s`', (word, folded) => {
  expect(foldWord(word)).toBe(folded);
});

test('folding a folded word changes nothing', () => {
  fc.assert(
    fc.property(fc.string(), word => {
      expect(foldWord(foldWord(word))).toBe(foldWord(word));
    }),
  );
});

test.each([
  [{ progress: 1 }, { progress: 1 }],
  [
    { progress: 1, total: 2, message: 'm', extra: true },
    { progress: 1, total: 2, message: 'm' },
  ],
  [{ progress: 1, total: 'x', message: 3 }, { progress: 1 }],
  [{ progress: 1, total: Number.NaN }, { progress: 1 }],
  [{ progress: Number.POSITIVE_INFINITY }, undefined],
  [{ progress: '1' }, undefined],
  [{}, undefined],
  [[1], undefined],
  ['half', undefined],
  [null, undefined],
  [undefined, undefined],
])('%j reads as the progress %j', (value, progress) => {
  expect(readProgress(value)).toEqual(progress);
});
