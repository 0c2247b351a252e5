import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/time/duration.js';

test.each([
  ['500ms', 500],
  ['1s', 1000],
  ['1.5s', 1500],
  ['0.0005s', 1],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['0s', 0],
  [' 30s ', 30_000],
])('`%s` is %d ms', (text, durationMs) => {
  expect(parseDuration(text)).toBe(durationMs);
});

test.each([
  '',
  '5',
  's',
  '-1s',
  '+1s',
  '1 s',
  '1S',
  '1.s',
  '.5s',
  '1e3s',
  '1h30m',
  '5min',
  'Infinity',
  '1w',
  'constructor',
])('`%s` is no duration', text => {
  expect(parseDuration(text)).toBeUndefined();
});

test.each([
  [0, '0 ms'],
  [0.4, '0 ms'],
  [340.2, '340 ms'],
  [999, '999 ms'],
  [999.7, '1 s'],
  [1000, '1 s'],
  [2540, '2.5 s'],
  [30_000, '30 s'],
  [59_940, '59.9 s'],
  [59_960, '1 m'],
  [60_000, '1 m'],
  [250_000, '4 m 10 s'],
  [3_599_000, '59 m 59 s'],
  [3_599_999, '1 h'],
  [3_600_000, '1 h'],
  [11_100_000, '3 h 5 m'],
  [86_400_000, '24 h'],
])('%d ms reads "%s"', (durationMs, text) => {
  expect(formatDuration(durationMs)).toBe(text);
});
