import { expect, test } from 'vitest';
import { expectedMs, middleMs } from '../../../src/cli/load/load.js';

test.each([
  ['one task', { taskCount: 1, meanMs: 1000, parallelTasks: 50 }, 1000],
  ['as many tasks as parallelTasks', { taskCount: 50, meanMs: 1000, parallelTasks: 50 }, 1000],
  ['four rounds', { taskCount: 200, meanMs: 1000, parallelTasks: 50 }, 2000],
  ['no limit', { taskCount: 200, meanMs: 1000, parallelTasks: Number.POSITIVE_INFINITY }, 1000],
])('the middle of %s', (_case, schedule, middle) => {
  expect(middleMs(schedule)).toBe(middle);
});

test.each([
  [50, 50, 15_000],
  [51, 50, 30_000],
  [1000, 50, 300_000],
])('%i tasks in %i parallelTasks need at most %i ms', (taskCount, parallelTasks, needed) => {
  expect(expectedMs({ taskCount, parallelTasks, mostMs: 15_000 })).toBe(needed);
});
