import { expect, test } from 'vitest';
import { similarName } from '../src/similar-name.js';

test.each([
  ['hash_tre', 'hash_tree'],
  ['sleap', 'sleep'],
  ['slepe', 'sleep'],
  ['nonsense', undefined],
  ['a', undefined],
  ['', undefined],
])('whoever writes %j may have meant %j', (written, meant) => {
  expect(similarName(written, ['hash_tree', 'sleep', 'http_request'])).toBe(meant);
});
