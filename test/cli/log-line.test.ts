import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import type { CommandIo } from '../../src/cli/io.js';
import { logLines } from '../../src/cli/log-line.js';

it('writes an entry a line, whatever is in its fields', () => {
  const stderr = new PassThrough();
  const log = logLines({ stderr } as unknown as CommandIo, () => new Date(0));
  log({ level: 'warn', message: 'Many fail', fields: { operation: 'sleep', rate: 0.5, why: 'a\nb="c"' } });
  expect(String(stderr.read())).toBe(
    '1970-01-01T00:00:00.000Z warn Many fail operation=sleep rate=0.5 why="a\\nb=\\"c\\""\n',
  );
});
