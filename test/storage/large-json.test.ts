import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSurelyLarger, jsonParts, textParts } from '../../src/storage/large-json.js';

test('what is surely larger is larger', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 200 }), (value, maxBytes) => {
      if (isSurelyLarger(value, maxBytes))
        expect(Buffer.byteLength(JSON.stringify(value))).toBeGreaterThan(maxBytes);
    }),
  );
});

const cyclic: Record<string, unknown> = { long: 'x'.repeat(1000) };
cyclic.self = [cyclic];

test.each<[string, unknown, boolean]>([
  ['a long text', 'x'.repeat(100), true],
  ['a text that just fits', 'x'.repeat(98), false],
  ['a long text in a list in an object', { a: [1, { b: 'x'.repeat(100) }] }, true],
  ['a long list', Array.from({ length: 101 }, () => 0), true],
  ['a long key', { ['k'.repeat(100)]: 1 }, true],
  ['a value that JSON leaves out', { ['k'.repeat(100)]: undefined }, false],
  ['a value that says its JSON itself', { a: { long: 'x'.repeat(200), toJSON: () => 1 } }, false],
  ['nothing at all', undefined, false],
])('%s', (_what, value, wanted) => {
  expect(isSurelyLarger(value, 100)).toBe(wanted);
});

test('of a value that contains itself nothing is sure', () => {
  expect(isSurelyLarger(cyclic, 1e6)).toBe(false);
});

const LARGE = 3 * 1024 * 1024 + 1;

test.each<[string, unknown]>([
  ['small', { a: [1, 'b', null, undefined], c: undefined }],
  [
    'a large text within others',
    { a: ['x'.repeat(LARGE), 1], b: { c: '"\n'.repeat(LARGE / 2) }, d: undefined },
  ],
  ['many small ones', Array.from({ length: 500_000 }, (_, index) => (index % 2 === 0 ? index : undefined))],
  ['characters of two units', `a${'🌍'.repeat(LARGE / 2)}`],
  ['nothing', undefined],
])('the parts of JSON are its JSON: %s', (_what, value) => {
  const parts = [...jsonParts(value)];
  expect(parts.join('') === (JSON.stringify(value) ?? 'null')).toBe(true);
  expect(Math.max(...parts.map(part => part.length))).toBeLessThan(LARGE);
});

test('no part of a text ends within a character', () => {
  const parts = [...textParts(`a${'🌍'.repeat(LARGE / 2)}`)];
  expect(parts.length).toBeGreaterThan(3);
  expect(parts.every(part => Buffer.from(part).toString() === part)).toBe(true);
});
