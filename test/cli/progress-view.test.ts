import { expect, it } from 'vitest';
import { describeEvent } from '../../src/cli/progress-view.js';

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
