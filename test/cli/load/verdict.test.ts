import { describe, expect, test } from 'vitest';
import { reportLines } from '../../../src/cli/load/load-report.js';
import type { LoadMeasurement, TaskFate, TaskMeasurement } from '../../../src/cli/load/measurement.js';
import { type Criterion, type Expectations, judgeLoad } from '../../../src/cli/load/verdict.js';

const KILLED_AT = 1_000_000;
const pacing = { initialIntervalMs: 1000, backoffMultiplier: 2, maxIntervalMs: 30_000, jitter: 0.1 };
const expected: Expectations = {
  initiateP99Ms: 200,
  pacing,
  lateToleranceMs: 100,
  mayLoseTasks: false,
  leaseMs: 5000,
};
const restart = { killed: ['front'], killedAt: KILLED_AT, downMs: 800, awaitedTasks: 2, reconnects: 4 };
const lost: TaskFate = { status: 'failed', code: 'WORKER_LOST' };

function measured(over: Partial<TaskMeasurement> = {}): TaskMeasurement {
  return {
    fate: { status: 'completed' },
    initiateMs: 30,
    polls: 1,
    intervals: [{ attempt: 0, hintMs: 1000, waitedMs: 1050 }],
    endedAt: KILLED_AT + 3000,
    knownAt: KILLED_AT + 3400,
    ...over,
  };
}

const loadOf = (...tasks: TaskMeasurement[]): LoadMeasurement => ({
  tasks,
  wallMs: 2000,
  restart: undefined,
});
const failing = (criteria: readonly Criterion[]) =>
  criteria.filter(({ passed }) => !passed).map(({ name, text }) => [name, text]);

test('a load test that went well passes every criterion, each with its figure', () => {
  const criteria = judgeLoad(loadOf(measured(), measured()), expected);
  expect(criteria).toEqual([
    { name: 'initiate-p99', passed: true, text: 'initiate p99 30 ms (limit 200 ms)' },
    { name: 'backoff', passed: true, text: 'backoff as configured: 2 of 2 intervals' },
    { name: 'all-ended', passed: true, text: 'every task ended: 2 of 2' },
    { name: 'no-failures', passed: true, text: 'no task failed' },
  ]);
});

describe('fails', () => {
  test.each<[string, Partial<TaskMeasurement>, [string, string][]]>([
    ['a slow start', { initiateMs: 201 }, [['initiate-p99', 'initiate p99 201 ms (limit 200 ms)']]],
    [
      'a polling storm',
      { intervals: [{ attempt: 2, hintMs: 4000, waitedMs: 100 }] },
      [
        [
          'backoff',
          'backoff as configured: 1 of 2 intervals; one of 100 ms after 2 answers, where the server had asked for 4 s',
        ],
      ],
    ],
    [
      'a task that failed',
      { fate: { status: 'failed', code: 'SLA_EXCEEDED' } },
      [['no-failures', 'tasks failed: 1 SLA_EXCEEDED']],
    ],
    [
      'a task that was cancelled',
      { fate: { status: 'cancelled', code: 'CANCELLED' } },
      [['no-failures', 'tasks failed: 1 CANCELLED']],
    ],
    ['a task that was lost', { fate: lost }, [['no-failures', 'tasks failed: 1 WORKER_LOST']]],
    [
      'a wait that failed',
      { fate: { status: 'unknown', code: 'AWAIT_TIMEOUT', message: 'x' } },
      [
        ['all-ended', 'every task ended: 1 of 2'],
        ['no-failures', 'tasks failed: 1 AWAIT_TIMEOUT'],
      ],
    ],
  ])('%s', (_case, over, failures) => {
    expect(failing(judgeLoad(loadOf(measured(), measured(over)), expected))).toEqual(failures);
  });
});

describe('after a restart', () => {
  const restarted = (...tasks: TaskMeasurement[]) => ({ ...loadOf(...tasks), restart });

  test('tasks of the killed process may be lost, within the lease and the time until somebody is back', () => {
    const load = restarted(measured(), measured({ fate: lost, endedAt: KILLED_AT + 5800 }));
    const criteria = judgeLoad(load, { ...expected, mayLoseTasks: true });
    expect(failing(criteria)).toEqual([]);
    expect(criteria.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        'killed and restarted (front) within 800 ms while 2 of 2 tasks were awaited',
        'no task failed but with the killed process (1 WORKER_LOST)',
        'lost tasks ended at most 5.8 s after the kill (lease 5 s, restart 800 ms)',
      ]),
    );
  });

  test.each<[string, Partial<TaskMeasurement>, boolean, string[]]>([
    ['a task that was lost too late', { fate: lost, endedAt: KILLED_AT + 5801 }, true, ['lost-in-time']],
    ['a task that was lost although only a front was killed', { fate: lost }, false, ['no-failures']],
    ['another failure', { fate: { status: 'failed', code: 'OPERATION_FAILED' } }, true, ['no-failures']],
  ])('%s fails', (_case, over, mayLoseTasks, names) => {
    const criteria = judgeLoad(restarted(measured(over)), { ...expected, mayLoseTasks });
    expect(failing(criteria).map(([name]) => name)).toEqual(names);
  });

  test('that came when all was over, nothing is shown', () => {
    const load = { ...loadOf(measured()), restart: { ...restart, awaitedTasks: 0 } };
    expect(failing(judgeLoad(load, expected)).map(([name]) => name)).toEqual(['restart']);
  });
});

test('a synchronous tool has no start and no status requests to judge', () => {
  const sync = measured({
    initiateMs: undefined,
    intervals: [],
    polls: 0,
    endedAt: undefined,
    knownAt: undefined,
  });
  expect(judgeLoad(loadOf(sync), expected).map(({ name }) => name)).toEqual(['all-ended', 'no-failures']);
});

test('the report for people', () => {
  const load = {
    ...loadOf(measured(), measured({ fate: lost, initiateMs: 1500, knownAt: KILLED_AT + 6000 })),
    restart,
  };
  const criteria = judgeLoad(load, expected);
  const report = {
    work: 'sleep, 1 s each (seed 7)',
    seed: 7,
    server: 'one',
    isForeign: true,
    load,
    criteria,
  };
  expect(reportLines(report)).toEqual([
    '2 tasks: sleep, 1 s each (seed 7)',
    'Server: one',
    '',
    '                            p50    p99    max',
    'initiate                  30 ms  1.5 s  1.5 s',
    'polls per task                1      1      1',
    'lateness of detection *  400 ms    3 s    3 s',
    '',
    'Ended:  1 completed, 1 failed in 2 s, 1.0 tasks/s',
    'Errors: 1 WORKER_LOST',
    'Reconnects: 4',
    "* From the server's clock to ours: any difference between the two is in it.",
    '',
    '✗ initiate p99 1.5 s (limit 200 ms)',
    '✓ backoff as configured: 2 of 2 intervals',
    '✓ killed and restarted (front) within 800 ms while 2 of 2 tasks were awaited',
    '✓ every task ended: 2 of 2',
    '✗ tasks failed: 1 WORKER_LOST',
    'Verdict: failed',
  ]);
});
