import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Next, type ProgressLine, progressLine, stepLine } from '../../src/cli/progress-line.js';
import { plainText } from '../../src/cli/terminal-text.js';
import { cutTo, widthOf } from '../../src/cli/terminal-width.js';

const soon: Next = { kind: 'request', inMs: 2400 };

const line = (fields: Partial<ProgressLine> = {}): ProgressLine => ({
  tool: 'render',
  snapshot: { status: 'working', message: 'frame 3 of the intro', progress: { progress: 3, total: 10 } },
  elapsedMs: 12_900,
  leftMs: 27_400,
  next: soon,
  ...fields,
});

describe('the line on a terminal', () => {
  test.each<[number, string]>([
    [
      200,
      'render · ██████░░░░░░░░░░░░░░ 30 % (3 of 10) · 12 s · ~28 s left · frame 3 of the intro · next check in 3 s',
    ],
    [95, 'render · ██░░░░░░ 30 % (3 of 10) · 12 s · ~28 s left · frame 3 of the intro · next check in 3 s'],
    [85, 'render · ██░░░░░░ 30 % (3 of 10) · 12 s · ~28 s left · frame 3 o… · next check in 3 s'],
    [75, 'render · ███░░░░░░░░ 30 % (3 of 10) · 12 s · ~28 s left · next check in 3 s'],
    [63, 'render · ██░░░░░░░ 30 % · 12 s · ~28 s left · next check in 3 s'],
    [55, 'render · ███░░░░░░░░ 30 % (3 of 10) · 12 s · ~28 s left'],
    [40, 'render · ██░░░░░░░ 30 % (3 of 10) · 12 s'],
    [35, 'render · ████░░░░░░░░░░ 30 % · 12 s'],
    [27, 'render · 30 % · 12 s'],
    [20, 'render · 30 % · 12 s'],
    [19, 'rend… · 30 % · 12 s'],
    [13, '30 % · 12 s'],
    [10, '30 % · 12…'],
    [1, '…'],
    [0, ''],
  ])('in %i columns', (columns, expected) => {
    expect(progressLine(line(), columns)).toBe(expected);
  });

  test.each<[string, Partial<ProgressLine>, string]>([
    [
      'nothing known',
      { snapshot: { status: 'working' }, leftMs: undefined, next: undefined },
      'render · working · 12 s',
    ],
    [
      'a task that has just begun',
      { snapshot: { status: 'working' }, leftMs: undefined, next: undefined, elapsedMs: 90 },
      'render · working · 0 s',
    ],
    [
      'no total: counts and no bar',
      { snapshot: { status: 'working', progress: { progress: 7 } }, leftMs: undefined, next: undefined },
      'render · 7 done · 12 s',
    ],
    [
      'more done than there is',
      {
        snapshot: { status: 'working', progress: { progress: 12, total: 10 } },
        leftMs: undefined,
        next: undefined,
      },
      'render · ████████████████████ 120 % (12 of 10) · 12 s',
    ],
    [
      'a share of a task that waits for an answer',
      {
        snapshot: { status: 'input_required', progress: { progress: 0.5, total: 1 } },
        leftMs: undefined,
        next: undefined,
      },
      'render · input_required · ██████████░░░░░░░░░░ 50 % · 12 s',
    ],
    [
      'held',
      { snapshot: { status: 'working' }, leftMs: undefined, next: { kind: 'held' } },
      'render · working · 12 s · server tells when done',
    ],
    [
      'no contact',
      {
        snapshot: { status: 'working' },
        leftMs: undefined,
        next: { kind: 'contact', why: 'connect ECONNREFUSED' },
      },
      'render · working · 12 s · waiting for contact (connect ECONNREFUSED)',
    ],
    [
      'due',
      {
        snapshot: { status: 'working' },
        leftMs: undefined,
        next: { kind: 'request', inMs: -5 },
        elapsedMs: 61_000,
      },
      'render · working · 1 m 1 s · checking',
    ],
  ])('with %s', (_case, fields, expected) => {
    expect(progressLine(line(fields), 120)).toBe(expected);
  });

  test.each<[number, string]>([
    [80, 'render · working · 12 s · waiting for contact (the process has ended)'],
    [60, 'render · working · 12 s · waiting for contact'],
    [40, 'render · working · 12 s'],
  ])('says in %i columns that contact is lost, and why where there is room', (columns, expected) => {
    const next: Next = { kind: 'contact', why: 'the process has ended' };
    expect(progressLine(line({ snapshot: { status: 'working' }, leftMs: undefined, next }), columns)).toBe(
      expected,
    );
  });

  test('a long name makes room for everything else, as far as something of it is left', () => {
    const tool = 'initiate_background_task';
    const shown = [95, 75, 60, 40, 30, 16].map(columns => progressLine(line({ tool }), columns));
    expect(shown).toEqual([
      'initiate_background_task · ███░░░░░░░░░░ 30 % (3 of 10) · 12 s · ~28 s left · next check in 3 s',
      'initiate_backgroun… · ██░░░░░░ 30 % · 12 s · ~28 s left · next check in 3 s',
      'initiate_background_task · ██░░░░░░ 30 % · 12 s · ~28 s left',
      'initiate_backgro… · ██░░░░░░ 30 % · 12 s',
      'initiate_backgr… · 30 % · 12 s',
      '30 % · 12 s',
    ]);
  });

  test('is never wider than the terminal and never more than a line, whatever the server says', () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 });
    const wide = fc.string({
      unit: fc.constantFrom('漢', '👍', 'é', '\n', '\u001b[31m', 'x'),
      maxLength: 60,
    });
    fc.assert(
      fc.property(
        fc.oneof(text, wide),
        fc.oneof(text, wide),
        fc.integer({ min: 0, max: 150 }),
        (tool, message, columns) => {
          const shown = progressLine(
            line({ tool, snapshot: { status: 'working', message, progress: { progress: 1, total: 3 } } }),
            columns,
          );
          expect(widthOf(shown)).toBeLessThanOrEqual(columns);
          expect(shown).not.toMatch(/\p{Cc}/u);
        },
      ),
    );
  });
});

test.each<[number, number, string]>([
  [300, 80, 'starting npx tsx server.ts'],
  [2300, 80, 'starting npx tsx server.ts · 2 s'],
  [2300, 20, 'starting npx … · 2 s'],
  [2300, 3, 'st…'],
])('after %i ms a step says in %i columns: %s', (elapsedMs, columns, expected) => {
  expect(stepLine('starting npx tsx server.ts', elapsedMs, columns)).toBe(expected);
});

test("a server's text cannot colour the terminal, move its cursor or end the line", () => {
  expect(plainText('a\u001b[31mred\u001b[0m\r\nb\tc\u202Ed\u0007')).toBe('ared b c d');
});

test('wide characters count twice', () => {
  expect(widthOf('漢字')).toBe(4);
  expect(cutTo(4, '漢字漢字')).toBe('漢…');
});
