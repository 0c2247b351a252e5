import { expect, test } from 'vitest';
import { excerpt } from '../../src/protocols/excerpt.js';

test.each([
  ['short', 'short'],
  [' on\n several\r\n\tlines ', 'on several lines'],
  ['x'.repeat(300), 'x'.repeat(300)],
  ['x'.repeat(301), `${'x'.repeat(300)}…`],
  ['', ''],
])('%j is quoted as %j', (text, quoted) => {
  expect(excerpt(text)).toBe(quoted);
});
