import { expect, test } from 'vitest';
import { type NextStep, nextCommand } from '../../src/cli/next-step.js';
import type { AwaitEvent } from '../../src/client/events.js';
import type { Snapshot, TaskReference } from '../../src/types.js';

const reference: TaskReference = { version: 1, protocol: 'p', tool: 't', handle: 1, startedAt: '' };
const snapshot: Snapshot = { status: 'working', attempt: 1, elapsedMs: 1, raw: undefined };
const held: NextStep = { kind: 'held' };
const lost: NextStep = { kind: 'contact', why: 'gone' };
const due: NextStep = { kind: 'request', dueAt: 3100 };

const updated: AwaitEvent = { type: 'task-updated', tool: 't', snapshot };
const requested = (holdMs: number): AwaitEvent => ({
  type: 'status-requested',
  tool: 't',
  reference,
  attempt: 0,
  holdMs,
  woken: false,
});

test.each<[string, NextStep | undefined, AwaitEvent, NextStep | undefined]>([
  ['a request is scheduled', held, { type: 'status-scheduled', tool: 't', reference, delayMs: 3000 }, due],
  ['a request is sent', due, requested(0), undefined],
  ['a request is sent that the server holds', due, requested(20_000), held],
  ['a request waits for contact', lost, requested(0), lost],
  ['contact is lost', due, { type: 'connection-lost', cause: new Error('gone') }, lost],
  [
    'a request fails',
    held,
    { type: 'request-failed', tool: 't', error: new Error('gone'), retriesLeft: 2 },
    lost,
  ],
  [
    'contact is back',
    lost,
    { type: 'connection-restored', cause: undefined, lostForMs: 1, newSession: false },
    undefined,
  ],
  ['an answer comes after that', lost, updated, undefined],
  ['progress comes while a request is held', held, updated, held],
  ['the task has ended', due, { type: 'task-ended', tool: 't', status: 'completed' }, undefined],
  ['something else happens', due, { type: 'status-unknown', tool: 't', word: 'w' }, due],
])('after %s', (_case, before, event, after) => {
  expect(nextCommand(before, event, 100)).toEqual(after);
});
