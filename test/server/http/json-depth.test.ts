import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isNestedDeeper } from '../../../src/server/http/request-body.js';

const isDeeper = (json: string, max: number) => isNestedDeeper(Buffer.from(json), max);

test.each([
  ['[]', 1, false],
  ['[[]]', 1, true],
  ['{"a":{"b":[]}}', 3, false],
  ['{"a":{"b":[]}}', 2, true],
  ['["[[[[", "\\"[[[[", "\\\\"]', 1, false],
  ['["\\\\", [[]]]', 2, true],
  ['[[],[],[[]]]', 3, false],
])('%s is deeper than %i: %s', (json, max, expected) => {
  expect(isDeeper(json, max)).toBe(expected);
});

test('agrees with the value, whatever is in its texts', () => {
  const depth = (value: unknown): number =>
    typeof value !== 'object' || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(depth));
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const json = JSON.stringify(value);
      expect(isDeeper(json, depth(value))).toBe(false);
      if (depth(value) > 0) expect(isDeeper(json, depth(value) - 1)).toBe(true);
    }),
  );
});
