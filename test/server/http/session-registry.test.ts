import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { describe, expect, test } from 'vitest';
import { isIdle, SessionRegistry } from '../../../src/server/http/session-registry.js';

const IDLE_MS = 30 * 60_000;

function setUp(maxSessions = 2) {
  const clock = { nowMs: 0 };
  const sessions = new SessionRegistry({ maxSessions, idleMs: IDLE_MS }, () => clock.nowMs);
  const add = (id: string, principal = 'ada') => {
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => id });
    transport.onclose = () => sessions.remove(id);
    return sessions.add(id, principal, transport);
  };
  return { clock, sessions, add };
}

test.each([
  [0, 0, 999, false],
  [0, 0, 1000, true],
  [1, 0, 5000, false],
  [0, 500, 1499, false],
  [0, 500, 1500, true],
])('with %i open, used at %i, at %i: idle is %s', (openCount, lastUsedAt, nowMs, expected) => {
  expect(isIdle({ openCount, lastUsedAt }, nowMs, 1000)).toBe(expected);
});

describe('find', () => {
  test('knows a session for its own principal only', () => {
    const { sessions, add } = setUp();
    const session = add('one');
    expect(sessions.find('one', 'ada')).toBe(session);
    expect(sessions.find('one', 'bob')).toBeUndefined();
    expect(sessions.find('two', 'ada')).toBeUndefined();
  });

  test('closes a session that has expired, from the millisecond on', () => {
    const { clock, sessions, add } = setUp();
    add('one');
    clock.nowMs = IDLE_MS - 1;
    expect(sessions.find('one', 'ada')).toBeDefined();
    clock.nowMs = IDLE_MS;
    expect(sessions.find('one', 'ada')).toBeUndefined();
    expect(sessions.size).toBe(0);
  });
});

test('the sweep leaves sessions in use alone', () => {
  const { clock, sessions, add } = setUp();
  const leave = sessions.enter(add('busy'));
  add('idle');
  clock.nowMs = IDLE_MS;
  sessions.sweep();
  expect(sessions.size).toBe(1);
  leave();
  sessions.sweep();
  expect(sessions.find('busy', 'ada')).toBeDefined();
  clock.nowMs = 2 * IDLE_MS;
  sessions.sweep();
  expect(sessions.size).toBe(0);
});

describe('makeRoom', () => {
  test('refuses a principal that has all sessions, in use or not', () => {
    const { sessions, add } = setUp();
    expect(sessions.makeRoom('ada')).toBe(true);
    add('one');
    add('two');
    expect(sessions.makeRoom('ada')).toBe(false);
  });

  test("gives up the principal's own longest abandoned session", () => {
    const { clock, sessions, add } = setUp();
    add('one');
    clock.nowMs = 1;
    add('two');
    clock.nowMs = 60_001;
    expect(sessions.makeRoom('ada')).toBe(true);
    expect(sessions.find('one', 'ada')).toBeUndefined();
    expect(sessions.find('two', 'ada')).toBeDefined();
  });

  test('takes the longest unused session of whoever has most for somebody who has fewer', () => {
    const { clock, sessions, add } = setUp(4);
    sessions.enter(add('in use'));
    for (const id of ['one', 'two']) {
      clock.nowMs += 1;
      add(id);
    }
    add('cid', 'cid');
    expect(sessions.makeRoom('bob')).toBe(true);
    expect(sessions.find('in use', 'ada')).toBeDefined();
    expect(sessions.find('one', 'ada')).toBeUndefined();
    expect(sessions.find('cid', 'cid')).toBeDefined();
  });

  test('takes the oldest in use where whoever has most uses them all', () => {
    const { clock, sessions, add } = setUp(3);
    for (const id of ['one', 'two', 'three']) {
      clock.nowMs += 1;
      sessions.enter(add(id));
    }
    expect(sessions.makeRoom('bob')).toBe(true);
    expect(sessions.find('one', 'ada')).toBeUndefined();
    expect(sessions.size).toBe(2);
  });

  test('takes nothing from somebody who has no more than the asker would have', () => {
    const { sessions, add } = setUp();
    add('one');
    add('two', 'bob');
    expect(sessions.makeRoom('bob')).toBe(false);
    expect(sessions.makeRoom('cid')).toBe(false);
  });
});
