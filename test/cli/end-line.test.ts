import { describe, expect, it, test } from 'vitest';
import { ageSince, endLine, printEnd, printFailure, type ReportedEnd } from '../../src/cli/end-line.js';
import type { CommandIo } from '../../src/cli/io.js';

const end = (fields: Partial<ReportedEnd> = {}): ReportedEnd => ({
  tool: 'render',
  status: 'completed',
  elapsedMs: 8700,
  ...fields,
});

describe('the line that stays', () => {
  test.each<[string, Partial<ReportedEnd>, string]>([
    ['completed', {}, '✔ render · 8 s'],
    ['completed at once', { elapsedMs: 340 }, '✔ render · 340 ms'],
    ['failed', { status: 'failed', reason: 'the disk is full' }, '✖ render · 8 s · the disk is full'],
    ['failed, and --json has the reason', { status: 'failed' }, '✖ render · 8 s'],
    [
      'failed for a reason of several lines',
      { status: 'failed', reason: 'one\ntwo' },
      '✖ render · failed · 8 s\none\ntwo',
    ],
    ['cancelled', { status: 'cancelled', reason: 'by you' }, '✖ render · cancelled · 8 s · by you'],
  ])('of a task that %s', (_case, fields, expected) => {
    expect(endLine(end(fields))).toBe(expected);
  });
});

function terminal({ env = {}, colors = false, isTTY = true } = {}) {
  let written = '';
  const stream = {
    isTTY,
    hasColors: () => colors,
    write(text: string) {
      written += text;
    },
  };
  const io = { stderr: stream, terminal: stream, env } as unknown as CommandIo;
  return { io, written: () => written };
}

describe('where an end is told', () => {
  it.each<[string, Parameters<typeof terminal>[0], string]>([
    ['a terminal', {}, '✖ render · 8 s · déjà vu\n'],
    ['a terminal with colors', { colors: true }, '\u001b[31m✖\u001b[39m render · 8 s · déjà vu\n'],
    ['a terminal of another encoding', { env: { LC_ALL: 'de_DE.ISO-8859-1' } }, 'x render - 8 s - d?j? vu\n'],
    ['the Linux console', { env: { TERM: 'linux' } }, 'x render - 8 s - d?j? vu\n'],
    ['a terminal that draws nothing', { env: { TERM: 'dumb' } }, 'déjà vu\n'],
    ['a pipe', { isTTY: false }, 'déjà vu\n'],
  ])('on %s', (_case, options, expected) => {
    const { io, written } = terminal(options);
    printEnd(end({ status: 'failed', reason: 'déjà vu' }), io, false);
    expect(written()).toBe(expected);
  });

  it('says nothing of success when quiet, or in a pipe, whose state lines say it', () => {
    const [quiet, piped] = [terminal(), terminal({ isTTY: false })];
    printEnd(end(), quiet.io, true);
    printEnd(end(), piped.io, false);
    expect([quiet.written(), piped.written()]).toEqual(['', '']);
  });

  it('marks what went wrong before any task', () => {
    const [shown, piped] = [terminal(), terminal({ isTTY: false })];
    printFailure('Nothing listens there.', shown.io);
    printFailure('Nothing listens there.', piped.io);
    expect([shown.written(), piped.written()]).toEqual([
      '✖ Nothing listens there.\n',
      'Nothing listens there.\n',
    ]);
  });
});

it('an age is known of a start in the past only', () => {
  expect(ageSince(new Date(Date.now() - 5000).toISOString())).toBeGreaterThanOrEqual(5000);
  expect(ageSince(new Date(Date.now() + 60_000).toISOString())).toBeUndefined();
  expect(ageSince('')).toBeUndefined();
  expect(ageSince(undefined)).toBeUndefined();
});
