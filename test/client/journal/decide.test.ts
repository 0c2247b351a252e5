import { expect, test } from 'vitest';
import { decide } from '../../../src/client/journal/decide.js';
import type { JournalRecord } from '../../../src/client/journal/journal-record.js';
import type { Outcome } from '../../../src/types.js';

const reference = { version: 1, protocol: 'tool-pair', tool: 't', handle: 1, startedAt: '' } as const;
const done: Outcome = { status: 'completed', result: { content: [] } };
const failed: Outcome = { status: 'failed', error: { code: 'NO', message: 'no' } };

const record = (fields: Partial<JournalRecord>): JournalRecord => ({
  id: 'a',
  server: { kind: 'other', name: 's' },
  tool: 't',
  protocol: 'tool-pair',
  reference: undefined,
  idempotencyKey: 'k',
  argumentsDigest: '',
  state: 'starting',
  status: 'working',
  message: undefined,
  outcome: undefined,
  isReadable: true,
  claimUntil: 100,
  startedAt: 0,
  updatedAt: 0,
  expiresAt: 1000,
  ...fields,
});

test.each<[string, Partial<JournalRecord>, string, string]>([
  ['is being started by a process that lives', { claimUntil: 51 }, 'wait', 'start'],
  ['was being started by a process that is gone', { claimUntil: 50 }, 'unknown', 'start'],
  ['runs, and whose reference is damaged', { state: 'running' }, 'unknown', 'start'],
  ['is in a state that only a later version knows', { state: 'paused' as never }, 'unknown', 'unknown'],
  ['runs', { state: 'running', reference }, 'resume', 'resume'],
  ['ended and nobody has the result', { state: 'ended', reference, outcome: done }, 'answer', 'answer'],
  ['ended without a task', { state: 'ended', outcome: done }, 'answer', 'answer'],
  ['was delivered', { state: 'delivered', reference, outcome: done }, 'answer', 'answer'],
  [
    'failed as a task and was delivered',
    { state: 'delivered', reference, outcome: failed },
    'answer',
    'answer',
  ],
  ['was refused, and nobody has heard', { state: 'ended', outcome: failed }, 'answer', 'answer'],
  ['was refused, and its caller knows', { state: 'delivered', outcome: failed }, 'start', 'start'],
  ['had too large a result, with a task', { state: 'delivered', reference }, 'resume', 'resume'],
  ['had too large a result, without a task', { state: 'ended' }, 'unknown', 'start'],
])('a call that %s', (_case, fields, decision, whenRepeatable) => {
  const known = record(fields);
  expect(decide(known, { now: 50, repeatable: false })).toBe(decision);
  expect(decide(known, { now: 50, repeatable: true })).toBe(whenRepeatable);
});
