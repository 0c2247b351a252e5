import { describe, expect, test } from 'vitest';
import { afterRunning, nextStep, type Round } from '../../../src/client/waiting/await-loop.js';

const round: Round = {
  attempt: 3,
  pacedCount: 2,
  countedCount: 1,
  isLook: false,
  holdsAtOnce: false,
  askedAt: 7000,
  noWakeBefore: 0,
  hintMs: undefined,
  delayMs: 500,
  isHinted: false,
};
const sleep = { name: 'sleep', delayMs: 500 };
const look = { name: 'look' };
const hold = { name: 'hold' };

describe('the next step of a wait', () => {
  test.each<[string, Partial<Round>, boolean, object]>([
    ['a task of which nothing is known', { isLook: true }, true, look],
    ['a server that holds no answer', {}, false, sleep],
    ['a server that does the waiting', { holdsAtOnce: true }, true, hold],
    ['a server that does the waiting, without a free permit', { holdsAtOnce: true }, false, sleep],
    ['a server that has not held its last answer', {}, true, sleep],
    ['no delay, where the server holds', { delayMs: 0 }, true, hold],
    ['no delay, where it does not', { delayMs: 0 }, false, look],
    ['a sleep that is through, where the server holds', { slept: 'through' }, true, hold],
    ['a sleep that is through, where it does not', { slept: 'through' }, false, look],
    ['a notification', { slept: 'woken' }, true, look],
    ['a notification of a server that does the waiting', { slept: 'woken', holdsAtOnce: true }, true, look],
  ])('after %s', (_what, given, canHold, expected) => {
    expect(nextStep({ ...round, ...given }, canHold)).toEqual(expected);
  });
});

describe('an answer "still running"', () => {
  const facts = { wasHeld: false, holdsAtOnce: true, askedAt: 8000, noWakeBefore: 9000, isAnswering: false };
  const after = {
    attempt: 4,
    pacedCount: 3,
    countedCount: 2,
    isLook: false,
    holdsAtOnce: true,
    askedAt: 8000,
    noWakeBefore: 0,
  };

  test.each<[string, Partial<Round>, Partial<typeof facts>, Partial<typeof after>]>([
    ['at our own pace counts', {}, {}, {}],
    ['to a look counts', { isLook: true, isHinted: true }, {}, {}],
    ['that the server held does not count', {}, { wasHeld: true }, { countedCount: 1 }],
    ['that a hint brought about does not count', { isHinted: true }, {}, { countedCount: 1 }],
    [
      'that a notification brought about leaves the pace alone, and makes the next one wait',
      { slept: 'woken' },
      {},
      { pacedCount: 2, countedCount: 1, noWakeBefore: 9000 },
    ],
    [
      'while somebody thinks about a question leaves the pace alone',
      { slept: 'woken' },
      { isAnswering: true },
      { pacedCount: 2, countedCount: 1 },
    ],
    ['that was not held lets the next one wait here', {}, { holdsAtOnce: false }, { holdsAtOnce: false }],
  ])('%s', (_what, given, told, expected) => {
    expect(afterRunning({ ...round, ...given }, { ...facts, ...told })).toEqual({ ...after, ...expected });
  });
});
