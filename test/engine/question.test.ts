import { describe, expect, test } from 'vitest';
import {
  answer,
  ask,
  hasChanges,
  type InputRequest,
  openRequests,
  type Questions,
  take,
  waitedMs,
  waitsUntil,
} from '../../src/engine/question.js';

const HOUR_MS = 3_600_000;

function request(message: string): InputRequest {
  return { method: 'elicitation/create', params: { message, requestedSchema: schema } };
}
const schema = { type: 'object', properties: {} } as const;
const yes = { action: 'accept', content: {} } as const;

/** Asks in the order of the messages, each under its message as the key, at the time that is its place. */
function asked(messages: readonly string[], timeoutMs = 1000): Questions {
  return messages.reduce<Questions>(
    (questions, message, place) =>
      ask(questions, { place, request: request(message) }, { key: message, now: place, timeoutMs }),
    [],
  );
}
const keys = (questions: Questions) => questions.map(({ key }) => key);

describe('asking', () => {
  test('the same at the same place is the same question, answered or not', () => {
    const questions = answer(asked(['a', 'b']), { a: yes }, 5);
    const again = { key: 'new', now: 9, timeoutMs: 1000 };
    expect(ask(questions, { place: 0, request: request('a') }, again)).toBe(questions);
    expect(ask(questions, { place: 1, request: request('b') }, again)).toBe(questions);
  });

  test('something else takes the place, and drops what was asked behind it', () => {
    const questions = answer(asked(['a', 'b', 'c']), { a: yes, b: yes }, 5);
    const other = ask(questions, { place: 1, request: request('x') }, { key: 'x', now: 9, timeoutMs: 1000 });
    expect(keys(other)).toEqual(['a', 'x']);
    expect(other[1]).toEqual({ key: 'x', request: request('x'), askedAt: 9, until: 1000 });
    const schemaDiffers = { ...request('a').params, requestedSchema: { ...schema, required: ['n'] } };
    const asking = { place: 0, request: { ...request('a'), params: schemaDiffers } };
    expect(keys(ask(questions, asking, { key: 'y', now: 9, timeoutMs: 1000 }))).toEqual(['y']);
  });

  test('is given the time that the waits before have left', () => {
    const waited = take(answer(asked(['a'], 100), { a: yes }, 30), 'a', 60);
    const asking = { place: 1, request: request('b') };
    expect(ask(waited, asking, { key: 'b', now: 500, timeoutMs: 100 })[1]?.until).toBe(540);
    const two = take(take(asked(['a', 'b'], 100), 'a', 60), 'b', 70);
    expect(ask(two, { ...asking, place: 2 }, { key: 'c', now: 500, timeoutMs: 100 })[2]?.until).toBe(530);
    const overdue = take(asked(['a'], 100), 'a', 300);
    expect(ask(overdue, asking, { key: 'b', now: 500, timeoutMs: 100 })[1]?.until).toBe(500);
  });
});

describe('an answer', () => {
  test('is taken once, for an open question only', () => {
    const questions = asked(['a', 'b']);
    expect(answer(questions, { c: yes, toString: yes }, 5)).toBe(questions);
    const answered = answer(questions, { a: yes, c: yes }, 5);
    expect(Object.keys(openRequests(answered) ?? {})).toEqual(['b']);
    expect(answer(answered, { a: { action: 'cancel' } }, 6)).toBe(answered);
    const given = take(questions, 'a', 7);
    expect(answer(given, { a: yes }, 8)).toBe(given);
  });

  test('is news until the run has taken it', () => {
    const answered = answer(asked(['a']), { a: yes }, 5);
    expect([hasChanges(asked(['a'])), hasChanges(answered), hasChanges(take(answered, 'a', 6))]).toEqual([
      false,
      true,
      false,
    ]);
  });

  test('may be fetched for an hour by a run that has to come back first', () => {
    expect(waitsUntil(answer(asked(['a']), { a: yes }, 5))).toBe(5 + HOUR_MS);
    expect(waitsUntil(answer(asked(['a'], 2 * HOUR_MS), { a: yes }, 5))).toBe(2 * HOUR_MS);
  });
});

describe('a run waits', () => {
  test('until it has taken every answer', () => {
    const questions = asked(['a', 'b']);
    expect(waitsUntil([])).toBeUndefined();
    expect(waitsUntil(questions)).toBe(1000);
    expect(waitsUntil(take(questions, 'b', 3))).toBe(1000);
    expect(waitsUntil(take(take(questions, 'b', 3), 'a', 4))).toBeUndefined();
    expect(openRequests(take(take(questions, 'b', 3), 'a', 4))).toBeUndefined();
  });

  test.each<[string, readonly (readonly [askedAt: number, takenAt?: number])[], number, number]>([
    [
      'one after the other',
      [
        [10, 20],
        [30, 60],
      ],
      0,
      40,
    ],
    [
      'at the same time',
      [
        [10, 60],
        [11, 30],
        [12, 70],
      ],
      0,
      60,
    ],
    ['since before this run began', [[10, 60]], 50, 10],
    ['in an earlier run', [[10, 60]], 100, 0],
    ['still', [[10]], 0, 0],
  ])('%s: for so long', (_case, times, since, expected) => {
    const questions = times.map(([askedAt, takenAt], place) => ({
      key: String(place),
      request: request('x'),
      askedAt,
      until: 0,
      takenAt,
    }));
    expect(waitedMs(questions, since)).toBe(expected);
  });
});
