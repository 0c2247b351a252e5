import { expect, test } from 'vitest';
import { decodeHeader, encodeHeader, parseRetryAfter } from '../src/http-headers.js';

const now = Date.parse('2026-01-01T00:00:00Z');

test.each<[string | null, number | undefined]>([
  ['120', 120_000],
  ['0', 0],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
  ['Wednesday, 31-Dec-25 23:59:00 GMT', 0],
  ['2026-01-01T00:00:30Z', 30_000],
  ['1.5', 1500],
  ['-1', undefined],
  ['5, 6', undefined],
  ['"5"', undefined],
  ['soon', undefined],
  ['soon 1', undefined],
  ['', undefined],
  [null, undefined],
])('Retry-After %j is %s ms', (header, expected) => {
  expect(parseRetryAfter(header, now)).toBe(expected);
});

const encoded = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;

test.each([
  ['us-west1', 'us-west1'],
  ['us west 1', 'us west 1'],
  ['x', 'x'],
  ['', encoded('')],
  [' padded', encoded(' padded')],
  ['padded ', encoded('padded ')],
  ['Hello, 世界', encoded('Hello, 世界')],
  ['line1\r\nline2', encoded('line1\r\nline2')],
  ['\tindented', encoded('\tindented')],
  [encoded('x'), encoded(encoded('x'))],
])('%j travels in a header as %j', (value, expected) => {
  expect(encodeHeader(value)).toBe(expected);
  expect(decodeHeader(expected)).toBe(value);
});

test.each([
  ['plain', 'plain'],
  ['=?base64?SGVsbG8=?=', 'Hello'],
  ['=?base64?SGVsbG8=', '=?base64?SGVsbG8='],
  ['SGVsbG8=?=', 'SGVsbG8=?='],
  ['=?base64?SGVs!!!bG8=?=', undefined],
])('%s is read as %s', (value, expected) => {
  expect(decodeHeader(value)).toBe(expected);
});
