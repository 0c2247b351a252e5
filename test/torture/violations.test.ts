import { expect, test } from 'vitest';
import type { History, KeyHistory, Observation, ProcessEnd, RunLine } from './history.js';
import type { TortureTask } from './torture-task.js';
import { findViolations } from './violations.js';

const REF = 'task_once_1';

const task: TortureTask = { label: 'key', operation: 'once', takesMs: 10, ending: 'small', reports: false };

const seen: Observation = {
  taskRef: REF,
  front: 'front 1',
  tool: 'resolve',
  askedAt: 100,
  at: 110,
  status: 'completed',
  errorCode: undefined,
  end: 'the end',
  isRight: true,
  ageMs: 50,
};

const started: RunLine = { taskRef: REF, runId: '1', pid: 1, event: 'started', at: 20 };
const ended: RunLine = { ...started, event: 'ended', at: 30 };

const key: KeyHistory = {
  task,
  calls: 1,
  acknowledgements: [{ taskRef: REF, front: 'front 1', at: 10 }],
  refusals: [],
};

/** What happened to one task that kept every promise, but for `changes`. */
function rules(changes: Partial<History> = {}, keyChanges: Partial<KeyHistory> = {}): string[] {
  const history: History = {
    fronts: ['front 1'],
    keys: new Map([['key', { ...key, ...keyChanges }]]),
    observations: [seen],
    finalObservations: [seen],
    runs: [started, ended],
    processEnds: [],
    ...changes,
  };
  return findViolations(history).map(({ rule }) => rule);
}

function observed(observations: readonly Observation[]): Partial<History> {
  return { observations, finalObservations: observations.slice(-1) };
}

test('a task that ran once and was told to every caller alike broke no promise', () => {
  expect(rules()).toEqual([]);
});

test('a second start breaks at most once, and only a fifth one of what may run four times', () => {
  expect(rules({ runs: [started, ended, started] })).toEqual(['`once` was started 2 times']);
  const again = { task: { ...task, operation: 'again' as const } };
  expect(rules({ runs: [started, started, started, started, ended] }, again)).toEqual([]);
  expect(rules({ runs: [started, started, started, started, started, ended] }, again)).toEqual([
    '`again` was started 5 times',
  ]);
});

test('what is completed must have reached its end, and as the task says', () => {
  expect(rules({ runs: [started] })).toEqual(['completed, but 0 runs reached their end']);
  expect(rules(observed([{ ...seen, isRight: false }]))).toEqual([
    'resolve at front 1 answered completed, with another result than the task gives',
  ]);
});

test('an end that was told may neither change nor be taken back', () => {
  const later = { ...seen, askedAt: 120, at: 130 };
  expect(rules(observed([seen, { ...later, end: 'another end' }]))).toEqual([
    'its end changed from the end to another end',
  ]);
  const back = { ...later, status: 'processing', end: undefined } as const;
  expect(rules(observed([seen, back, seen]))).toEqual([
    'resolve at front 1 answered processing after its end',
  ]);
  // Asked before the end was known to anybody.
  expect(rules(observed([seen, { ...back, askedAt: 105 }, seen]))).toEqual([]);
});

test('an acknowledged task must be known, and terminal at every front in the end', () => {
  const refused = { ...seen, status: 'refused', errorCode: 'TASK_NOT_FOUND', end: undefined } as const;
  expect(rules({ observations: [refused] })).toEqual(['resolve at front 1 answered refused: TASK_NOT_FOUND']);
  const pending = { ...seen, status: 'pending', end: undefined } as const;
  expect(rules(observed([pending]))).toEqual(['in the end, it is pending at front 1']);
  expect(rules({ fronts: ['front 1', 'front 2'] })).toEqual(['front 2 was not asked for it in the end']);
});

test('a failure that nobody made is one', () => {
  const failed = { ...seen, status: 'failed', errorCode: 'OPERATION_FAILED' } as const;
  expect(rules(observed([failed]))).toEqual(['resolve at front 1 answered failed: OPERATION_FAILED']);
  expect(rules(observed([{ ...failed, errorCode: 'WORKER_LOST' }]))).toEqual([]);
});

test('a key has one task, and its call an answer', () => {
  const acknowledgements = [...key.acknowledgements, { taskRef: 'task_once_2', front: 'front 2', at: 11 }];
  expect(rules({}, { acknowledgements })).toContain(`the key has 2 tasks: ${REF}, task_once_2`);
  expect(rules({}, { acknowledgements: [], refusals: ['no'] })).toEqual([
    'ran, but no key was ever answered with it',
    'the call was refused: no',
    'the call was never answered',
  ]);
});

test('a process may be killed, but may not end by itself', () => {
  const end: ProcessEnd = { kind: 'front', name: 'front 1', pid: 1, at: 1, isKilled: true, words: 'ouch' };
  expect(rules({ processEnds: [end] })).toEqual([]);
  expect(rules({ processEnds: [{ ...end, isKilled: false }] })).toEqual(['front 1 ended by itself: ouch']);
});
