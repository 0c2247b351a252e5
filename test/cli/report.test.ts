import { describe, expect, test } from 'vitest';
import { roundedInteger } from '../../src/cli/report.js';

describe('an integer that was rounded', () => {
  test.each<[string, unknown, string | undefined]>([
    ['of 64 bits', JSON.parse('{"id":725653563933458437}'), 'id'],
    ['within lists', JSON.parse('{"a":[{"b":1},{"b":-9007199254740993}]}'), 'a.1.b'],
    ['that is exact', { id: 9007199254740991 }, undefined],
    ['that is no integer', { a: 0.1, b: 1e-7, c: '725653563933458437', d: null }, undefined],
    ['of nothing', undefined, undefined],
  ])('is found where it stands: %s', (_what, value, path) => {
    expect(roundedInteger(value)).toBe(path);
  });
});
