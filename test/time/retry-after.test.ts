import { expect, test } from 'vitest';
import { parseRetryAfter } from '../../src/time/retry-after.js';

const now = Date.parse('2026-01-01T00:00:00Z');

test.each<[string | null, number | undefined]>([
  ['120', 120_000],
  ['0', 0],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
  ['soon', undefined],
  ['', undefined],
  [null, undefined],
])('Retry-After %j is %s ms', (header, expected) => {
  expect(parseRetryAfter(header, now)).toBe(expected);
});
