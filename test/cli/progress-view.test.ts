import { expect, it, test } from 'vitest';
import { describeEvent, isWorthLine } from '../../src/cli/progress-view.js';

it('the view tells of the connection, and of no other event', () => {
  const cause = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
  const restored = { type: 'connection-restored', cause, lostForMs: 2500, newSession: true } as const;
  expect(describeEvent('render', { type: 'connection-lost', cause })).toBe(
    'render: reconnecting… (connect ECONNREFUSED)',
  );
  expect(describeEvent('render', restored)).toBe('render: connected again after 2.5 s');
  expect(
    describeEvent('render', { type: 'task-ended', tool: 'render', status: 'completed' }),
  ).toBeUndefined();
});

test.each<[string, number, object, boolean]>([
  ['another status at once', 0, { status: 'input_required' }, true],
  ['the same state never', 60_000, {}, false],
  ['4 % never', 60_000, { progress: { progress: 24, total: 100 } }, false],
  ['5 % after 10 seconds', 10_000, { progress: { progress: 25, total: 100 } }, true],
  ['5 % not before', 9999, { progress: { progress: 90, total: 100 } }, false],
  ['a message after 10 seconds', 10_000, { message: 'frame 2' }, true],
  ['a message not before', 9999, { message: 'frame 2' }, false],
  ['a count without a total after 10 seconds', 10_000, { progress: { progress: 21 } }, true],
])('a log gets a line for %s', (_case, at, change, expected) => {
  const snapshot = {
    status: 'working',
    message: 'frame 1',
    progress: { progress: 20, total: 100 },
  } as const;
  expect(isWorthLine(undefined, { snapshot, at: 0 })).toBe(true);
  expect(isWorthLine({ snapshot, at: 0 }, { snapshot: { ...snapshot, ...change }, at })).toBe(expected);
});
