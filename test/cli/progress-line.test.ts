import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Next, type ProgressLine, progressLine } from '../../src/cli/progress-line.js';
import { plainText } from '../../src/cli/terminal-text.js';
import { cutTo, widthOf } from '../../src/cli/terminal-width.js';

const soon: Next = { kind: 'request', inMs: 2400 };

const line = (fields: Partial<ProgressLine> = {}): ProgressLine => ({
  tool: 'render',
  snapshot: { status: 'working', message: 'frame 3 of the intro', progress: { progress: 3, total: 10 } },
  elapsedMs: 12_900,
  next: soon,
  ...fields,
});

describe('the line of the spinner', () => {
  test.each<[number, string]>([
    [
      200,
      'render: working · 12 s · [######..............] 30 % (3 of 10) · frame 3 of the intro · next poll in 3 s',
    ],
    [95, 'render: working · 12 s · [######..............] 30 % (3 of 10) · frame 3 of… · next poll in 3 s'],
    [85, 'render: working · 12 s · [######..............] 30 % (3 of 10) · next poll in 3 s'],
    [75, 'render: working · 12 s · 30 % (3 of 10) · frame 3 of th… · next poll in 3 s'],
    [60, 'render: working · 12 s · 30 % (3 of 10) · next poll in 3 s'],
    [55, 'render: working · 12 s · 30 % (3 of 10) · frame 3 of t…'],
    [40, 'render: working · 12 s · 30 % (3 of 10)'],
    [37, 'ren…: working · 12 s · 30 % (3 of 10)'],
    [33, 'working · 12 s · 30 % (3 of 10)'],
    [20, 'working · 12 s · 30…'],
    [10, 'working ·…'],
    [1, '…'],
    [0, ''],
  ])('in %i columns', (columns, expected) => {
    expect(progressLine(line(), columns)).toBe(expected);
  });

  test.each<[string, Partial<ProgressLine>, string]>([
    ['nothing known', { snapshot: { status: 'working' }, next: undefined }, 'render: working · 12 s'],
    [
      'no total: counts and no bar',
      { snapshot: { status: 'working', progress: { progress: 7 } }, next: undefined },
      'render: working · 12 s · 7 done',
    ],
    [
      'more done than there is',
      { snapshot: { status: 'working', progress: { progress: 12, total: 10 } }, next: undefined },
      'render: working · 12 s · [####################] 120 % (12 of 10)',
    ],
    [
      'a share',
      { snapshot: { status: 'input_required', progress: { progress: 0.5, total: 1 } }, next: undefined },
      'render: input_required · 12 s · [##########..........] 50 %',
    ],
    [
      'held',
      { snapshot: { status: 'working' }, next: { kind: 'held' } },
      'render: working · 12 s · held by the server',
    ],
    [
      'no contact',
      { snapshot: { status: 'working' }, next: { kind: 'contact', why: 'connect ECONNREFUSED' } },
      'render: working · 12 s · waiting for contact (connect ECONNREFUSED)',
    ],
    [
      'due',
      { snapshot: { status: 'working' }, next: { kind: 'request', inMs: -5 }, elapsedMs: 61_000 },
      'render: working · 1 m 1 s · next poll in 0 ms',
    ],
  ])('with %s', (_case, fields, expected) => {
    expect(progressLine(line(fields), 120)).toBe(expected);
  });

  test.each<[number, string]>([
    [80, 'render: working · 12 s · waiting for contact (the process has ended)'],
    [60, 'render: working · 12 s · waiting for contact'],
    [40, 'render: working · 12 s'],
  ])('says in %i columns that contact is lost, and why where there is room', (columns, expected) => {
    const next: Next = { kind: 'contact', why: 'the process has ended' };
    expect(progressLine(line({ snapshot: { status: 'working' }, next }), columns)).toBe(expected);
  });

  test('a long name makes room for what comes next, as far as something of it is left', () => {
    const tool = 'initiate_background_task';
    const snapshot = { status: 'working' } as const;
    const next: Next = { kind: 'held' };
    const shown = [80, 60, 50, 40].map(columns => progressLine(line({ tool, snapshot, next }), columns));
    expect(shown).toEqual([
      'initiate_background_task: working · 12 s · held by the server',
      'initiate_background_ta…: working · 12 s · held by the server',
      'initiate_bac…: working · 12 s · held by the server',
      'initiate_ba…: working · 12 s',
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

test("a server's text cannot colour the terminal, move its cursor or end the line", () => {
  expect(plainText('a\u001b[31mred\u001b[0m\r\nb\tc\u202Ed\u0007')).toBe('ared b c d');
});

test('wide characters count twice', () => {
  expect(widthOf('漢字')).toBe(4);
  expect(cutTo(4, '漢字漢字')).toBe('漢…');
});
