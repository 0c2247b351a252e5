import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Activity, logActivity, observeRuns } from '../../../src/server/observability/activity.js';
import {
  createLog,
  LOG_LEVELS,
  type LogEntry,
  type LogLevel,
} from '../../../src/server/observability/log.js';
import { sleep } from '../../../src/time/sleep.js';
import { unasked } from '../../fixtures/server/unasked.js';

function logOf(level: LogLevel) {
  const entries: LogEntry[] = [];
  return { log: createLog(level, entry => entries.push(entry)), entries };
}

test.each<[LogLevel, number]>([
  ['error', 1],
  ['warn', 2],
  ['info', 3],
  ['debug', 4],
])('a log up to %s has %i of the four levels', (level, count) => {
  const { log, entries } = logOf(level);
  for (const each of LOG_LEVELS) log[each]('Something');
  expect(entries.map(entry => entry.level)).toEqual(LOG_LEVELS.slice(0, count));
});

const RUN = { operation: 'bake', taskRef: 'task_1', durationMs: 12.7 };

describe('the log of what happens', () => {
  test('tells a failed run as a warning with its code, and no more of it', () => {
    const { log, entries } = logOf('info');
    logActivity(log).ran({ ...RUN, outcome: 'failed', code: 'OVEN_COLD' });
    const fields = { operation: 'bake', task_ref: 'task_1', duration_ms: 13, code: 'OVEN_COLD' };
    expect(entries).toEqual([{ level: 'warn', message: 'A task failed', fields }]);
  });

  test('tells a lost task as a warning, and a store that refuses as an error', () => {
    const { log, entries } = logOf('info');
    const error = { code: 'WORKER_LOST', message: 'secret', retryable: true };
    logActivity(log).lost({ ...RUN, error });
    const call = { tool: 'initiate_background_task', durationMs: 1 };
    logActivity(log).called({ ...call, outcome: 'refused', code: 'STORE_UNAVAILABLE' });
    logActivity(log).called({ ...call, outcome: 'failed' });
    expect(entries.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'warn: A task was lost',
      'error: The store refused a call',
      'error: A call broke',
    ]);
    expect(JSON.stringify(entries)).not.toContain('secret');
  });

  test('keeps the life of tasks that do well for those who look for a fault', () => {
    const { log, entries } = logOf('debug');
    const activity = logActivity(log);
    activity.initiated(RUN);
    activity.ran({ ...RUN, outcome: 'completed' });
    activity.ran({ ...RUN, outcome: 'stopped' });
    activity.called({ tool: 'resolve_task_status', outcome: 'ok', durationMs: 1 });
    expect(entries.map(({ level }) => level)).toEqual(['debug', 'debug', 'debug', 'debug']);
  });
});

test('a log that throws fails no task', async () => {
  const log = createLog('debug', () => {
    throw new Error('disk full');
  });
  const execution = { status: 'completed', result: 1 } as const;
  const execute = observeRuns(async () => execution, logActivity(log));
  const task = { record: { operation: 'bake', taskRef: 'task_1' }, parameters: {} };
  const context = { signal: new AbortController().signal, reportProgress: vi.fn(), ...unasked };
  expect(await execute(task as never, context)).toBe(execution);
});

test('the time that a run waits for answers is no part of its duration', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const ran = vi.fn();
  const ask = () => sleep(5000).then(() => undefined);
  const execute = observeRuns(
    async (_, context) => {
      await sleep(30);
      const asked = { place: 0, request: {} as never };
      await Promise.all([context.ask(asked), context.ask({ ...asked, place: 1 })]);
      await sleep(10);
      return { status: 'completed', result: 1 };
    },
    { ran } as unknown as Activity,
  );
  const task = { record: { operation: 'bake', taskRef: 'task_1' }, parameters: {} };
  const context = { signal: new AbortController().signal, reportProgress: () => {}, ask };
  const execution = execute(task as never, context);
  await vi.runAllTimersAsync();
  await execution;
  expect(ran).toHaveBeenCalledWith(expect.objectContaining({ durationMs: 40 }));
});
