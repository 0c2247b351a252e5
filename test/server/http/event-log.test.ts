import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { EventLog } from '../../../src/server/http/event-log.js';

const message = (id: number, text = ''): JSONRPCMessage => ({ jsonrpc: '2.0', id, result: { text } });

function open(limits = { maxBytes: 100_000, maxBytesPerSession: 100_000, maxAgeMs: 1000 }) {
  let now = 0;
  const log = new EventLog(() => now, limits);
  const replay = async (session: string, after: string) => {
    const got: JSONRPCMessage[] = [];
    const send = async (_id: string, each: JSONRPCMessage) => void got.push(each);
    const stream = await log.ofSession(session, 'alice').replayEventsAfter(after, { send });
    return { stream, got };
  };
  return {
    log,
    replay,
    pass(ms: number) {
      now += ms;
    },
  };
}

test('replays what came later on the same stream of the same session', async () => {
  const { log, replay } = open();
  const store = log.ofSession('one', 'alice');
  const first = await store.storeEvent('a', {} as JSONRPCMessage);
  await store.storeEvent('b', message(1));
  await log.ofSession('other', 'alice').storeEvent('a', message(2));
  const third = await store.storeEvent('a', message(3));
  await store.storeEvent('a', message(4));
  expect(await replay('one', first)).toEqual({ stream: 'a', got: [message(3), message(4)] });
  expect(await replay('one', third)).toEqual({ stream: 'a', got: [message(4)] });
});

test('knows no event of another session', async () => {
  const { log, replay } = open();
  const id = await log.ofSession('one', 'alice').storeEvent('a', message(1));
  expect(await log.ofSession('other', 'alice').getStreamIdForEventId?.(id)).toBeUndefined();
  await expect(replay('other', id)).rejects.toThrow(RangeError);
});

test('forgets what is too old', async () => {
  const { log, pass } = open();
  const store = log.ofSession('one', 'alice');
  const id = await store.storeEvent('a', message(1));
  pass(1001);
  expect(await store.getStreamIdForEventId?.(id)).toBeUndefined();
  await store.storeEvent('a', message(2));
  expect(log.size).toBe(1);
});

test('lets the oldest of a session give way that takes too much', async () => {
  const { log } = open({ maxBytes: 10_000, maxBytesPerSession: 4000, maxAgeMs: 1000 });
  const quiet = log.ofSession('quiet', 'alice');
  const kept = await quiet.storeEvent('a', message(1));
  const loud = log.ofSession('loud', 'alice');
  for (let id = 0; id < 100; id++) await loud.storeEvent('a', message(id, 'x'.repeat(1000)));
  expect(log.size).toBe(4);
  expect(await quiet.getStreamIdForEventId?.(kept)).toBe('a');
});

test('where all is taken, only the principal with most loses its oldest', async () => {
  const { log } = open({ maxBytes: 10_000, maxBytesPerSession: 4000, maxAgeMs: 1000 });
  const alice = log.ofSession('quiet', 'alice');
  const kept = await alice.storeEvent('a', message(1));
  const first = await log.ofSession('0', 'bob').storeEvent('a', message(1, 'x'.repeat(1000)));
  for (let session = 1; session < 50; session++) {
    await log.ofSession(String(session), 'bob').storeEvent('a', message(1, 'x'.repeat(1000)));
  }
  expect(await alice.getStreamIdForEventId?.(kept)).toBe('a');
  expect(await log.ofSession('0', 'bob').getStreamIdForEventId?.(first)).toBeUndefined();
  expect(log.size).toBe(8);
});

test('events without content are bounded, too', async () => {
  const { log } = open({ maxBytes: 10_000, maxBytesPerSession: 4000, maxAgeMs: 1000 });
  const store = log.ofSession('one', 'alice');
  for (let id = 0; id < 100; id++) await store.storeEvent('a', {} as JSONRPCMessage);
  expect(log.size).toBeLessThan(20);
});

test('forgets a session that has closed', async () => {
  const { log } = open();
  await log.ofSession('one', 'alice').storeEvent('a', message(1));
  await log.ofSession('other', 'alice').storeEvent('a', message(1));
  log.forget('one');
  expect(log.size).toBe(1);
});
