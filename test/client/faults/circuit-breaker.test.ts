import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CircuitBreakerOptions, resolveCircuitOptions } from '../../../src/client/faults/circuits.js';
import type { AwaitClientOptions } from '../../../src/client/options.js';
import { CircuitOpenError, ConfigurationError } from '../../../src/errors.js';
import { awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import { completed, failed, pairTools, startCall, status } from '../../fixtures/client/scripted-pair.js';
import {
  json,
  type Reply,
  refuse,
  type Script,
  silence,
  text,
} from '../../fixtures/client/scripted-server.js';
import { newJournalPlace } from '../journal/journal-fixture.js';

const greet = { name: 'greet' };
const broken = json({ error: { code: 'DOWN', message: 'The database is away.' } }, true);
const refused = json({ error: { code: 'BAD', message: 'No such name.', retryable: false } }, true);

/** Opens after two failures. */
const early: CircuitBreakerOptions = { minimumCalls: 2, callCount: 4, openMs: 10_000 };

const guarded = (script: Script, options: AwaitClientOptions = {}, other: Record<string, Script> = {}) =>
  awaitFixture({ greet: script, ...other }, { circuitBreaker: early, requestRetries: 0, ...options });

const circuitEvents = (events: readonly { readonly type: string }[]) =>
  events.filter(event => event.type.startsWith('circuit-')).map(event => event.type);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

async function callTimes(count: number, call: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done++) await call().catch(() => {});
}

describe('a tool that keeps failing', () => {
  test('is not called any more: the error says so at once, with the time of the next trial', async () => {
    const { client, server } = await guarded(broken);
    await callTimes(2, () => client.callTool(greet));
    const error = await failureOf(client.callTool(greet));
    expect(error).toBeInstanceOf(CircuitOpenError);
    expect(error).toMatchObject({
      code: 'CIRCUIT_OPEN',
      tool: 'greet',
      message:
        '`greet` was not called: too many of its last calls failed or were too slow (`circuitBreaker`). The next call is tried in 10 s.',
    });
    expect(Date.parse(String(error.retryAt)) - Date.now()).toBeCloseTo(10_000, -2);
    // The handle of a synchronous call comes before anything is sent.
    await expect((await client.startTool(greet)).result()).rejects.toThrow(CircuitOpenError);
    expect(server.calls).toHaveLength(2);
  });

  test('is called without a breaker however often it fails', async () => {
    const { client, server } = await guarded(broken, { circuitBreaker: false });
    await callTimes(10, () => client.callTool(greet));
    expect(server.calls).toHaveLength(10);
  });

  test('holds up no other tool', async () => {
    const { client } = await guarded(broken, {}, { other: text('fine') });
    await callTimes(3, () => client.callTool(greet));
    expect(await client.callTool({ name: 'other' })).toMatchObject({ content: [{ text: 'fine' }] });
  });

  test('is tried after a while, and called again once that went well', async () => {
    const { client, server, events } = await guarded([broken, broken, text('fine')]);
    await callTimes(2, () => client.callTool(greet));
    await vi.advanceTimersByTimeAsync(10_000);
    await client.callTool(greet);
    await client.callTool(greet);
    expect(server.calls).toHaveLength(4);
    expect(circuitEvents(events)).toEqual(['circuit-opened', 'circuit-half-opened', 'circuit-closed']);
    expect(events.find(event => event.type === 'circuit-opened')).toMatchObject({
      tool: 'greet',
      retryAt: expect.stringMatching(/Z$/),
    });
  });

  test('lets one trial through, and the others fail at once instead of waiting for it', async () => {
    const { client, server } = await guarded([broken, broken, silence]);
    await callTimes(2, () => client.callTool(greet));
    await vi.advanceTimersByTimeAsync(10_000);
    const stop = new AbortController();
    const trial = failureOf(client.callTool(greet, undefined, { signal: stop.signal }));
    await vi.advanceTimersByTimeAsync(0);
    const others = await Promise.all([failureOf(client.callTool(greet)), failureOf(client.callTool(greet))]);
    for (const other of others) expect(other.message).toContain('one call is being tried');
    expect(server.calls).toHaveLength(3);
    stop.abort();
    await trial;
  });

  test('is tried again at once after a trial that was aborted', async () => {
    const { client, server } = await guarded([broken, broken, silence, text('fine')]);
    await callTimes(2, () => client.callTool(greet));
    await vi.advanceTimersByTimeAsync(10_000);
    const stop = new AbortController();
    const trial = failureOf(client.callTool(greet, undefined, { signal: stop.signal }));
    await vi.advanceTimersByTimeAsync(0);
    stop.abort();
    expect(await trial).toMatchObject({ code: 'ABORTED' });
    expect(await client.callTool(greet)).toMatchObject({ content: [{ text: 'fine' }] });
    expect(server.calls).toHaveLength(4);
  });
});

describe('a task', () => {
  const tool = 'initiate_background_task';
  const tasks = (statuses: Script, options: AwaitClientOptions = {}) =>
    awaitFixture(pairTools(statuses), { circuitBreaker: early, requestRetries: 0, ...options });

  async function fail(client: { callTool(call: object): Promise<unknown> }): Promise<void> {
    const call = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(60_000);
    await call;
  }

  test('is refused as it would be started, and is counted as it ends', async () => {
    const { client, server } = await tasks(failed, { circuitBreaker: { ...early, openMs: 100_000 } });
    await fail(client);
    await fail(client);
    expect(await failureOf(client.callTool(startCall))).toMatchObject({ code: 'CIRCUIT_OPEN', tool });
    expect(server.calls.filter(call => call.tool === tool)).toHaveLength(2);
  });

  test('that runs already is never refused', async () => {
    const { client } = await tasks([completed, failed, failed, completed], {
      circuitBreaker: { ...early, openMs: 100_000 },
    });
    const running = await client.startTool(startCall);
    const first = running.result();
    await vi.advanceTimersByTimeAsync(60_000);
    await first;
    await fail(client);
    await fail(client);
    expect(client.stats().tools[0]?.circuit?.state).toBe('open');
    if (running.reference === undefined) throw new Error('no reference');
    const resumed = await client.resumeTask(running.reference);
    expect(await resumed.result()).toMatchObject({ structuredContent: { answer: 42 } });
  });

  test('that is resumed and fails counts', async () => {
    const { client } = await tasks(failed);
    const reference = (await client.startTool(startCall)).reference;
    if (reference === undefined) throw new Error('no reference');
    for (let count = 0; count < 2; count++) await (await client.resumeTask(reference)).result();
    expect(await failureOf(client.callTool(startCall))).toMatchObject({ code: 'CIRCUIT_OPEN' });
  });

  test('whose handle nobody asks does not keep others from being tried', async () => {
    const { client } = await tasks([failed, failed, completed]);
    await fail(client);
    await fail(client);
    await vi.advanceTimersByTimeAsync(10_000);
    await client.startTool(startCall);
    expect(await failureOf(client.startTool(startCall))).toMatchObject({ code: 'CIRCUIT_OPEN' });
    await vi.advanceTimersByTimeAsync(10_000);
    const call = client.callTool(startCall);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await call).toMatchObject({ structuredContent: { answer: 42 } });
  });

  test('that the journal knows is answered from it, and nothing of the refused call stays there', async () => {
    vi.useRealTimers();
    const place = await newJournalPlace();
    try {
      const options = { journal: { file: place.file }, initialIntervalMs: 1 };
      const { client, server } = await tasks([completed, failed, failed], options);
      const known = { idempotencyKey: 'known' };
      await client.callTool(startCall, undefined, known);
      for (let count = 0; count < 2; count++) await client.callTool(startCall);
      expect(await client.callTool(startCall, undefined, known)).toMatchObject({
        structuredContent: { answer: 42 },
      });
      const before = place.open().list({ all: true }).length;
      const other = client.callTool(startCall, undefined, { idempotencyKey: 'other' });
      expect(await failureOf(other)).toMatchObject({ code: 'CIRCUIT_OPEN' });
      expect(place.open().list({ all: true })).toHaveLength(before);
      expect(server.calls.filter(call => call.tool === tool)).toHaveLength(3);
      await client.close();
    } finally {
      await place.remove();
      vi.useFakeTimers();
    }
  });
});

describe('what counts as a failure', () => {
  const lasting =
    (reply: Reply, afterMs: number): Reply =>
    async request => {
      await new Promise(resolve => setTimeout(resolve, afterMs));
      return reply(request);
    };
  const cases: [string, Reply, AwaitClientOptions, 'open' | 'closed'][] = [
    ['a result with isError', broken, {}, 'open'],
    [
      'an error that may succeed later',
      json({ error: { code: 'A', message: 'b', retryable: true } }, true),
      {},
      'open',
    ],
    ['an error that says it would fail again', refused, {}, 'closed'],
    ['an internal error of the server', refuse(new McpError(ErrorCode.InternalError, 'oops')), {}, 'open'],
    ['arguments that the server refuses', refuse(new McpError(ErrorCode.InvalidParams, 'no')), {}, 'closed'],
    ['a silence', silence, { silenceTimeoutMs: 100 }, 'open'],
    ['a deadline', silence, { deadlineMs: 100 }, 'open'],
    ['a slow success', lasting(text('late'), 200), { circuitBreaker: { ...early, slowCallMs: 100 } }, 'open'],
    [
      'a success that is quick enough',
      lasting(text('soon'), 50),
      { circuitBreaker: { ...early, slowCallMs: 100 } },
      'closed',
    ],
    ['a call that the caller aborts', silence, {}, 'closed'],
  ];
  test.each(cases)('%s', async (title, reply, options, state) => {
    const { client } = await guarded(reply, options);
    for (let count = 0; count < 3; count++) {
      const stop = new AbortController();
      const call = client.callTool(greet, undefined, { signal: stop.signal }).catch(() => {});
      await vi.advanceTimersByTimeAsync(1000);
      if (title.includes('aborts')) stop.abort();
      await call;
    }
    expect(client.stats().tools[0]?.circuit?.state).toBe(state);
  });

  test('a task that was cancelled, or that nobody waits for any more, does not', async () => {
    const cancelled = status('cancelled', { error: { code: 'CANCELLED', message: 'stopped' } });
    const { client } = await awaitFixture(pairTools(cancelled), { circuitBreaker: early });
    for (let count = 0; count < 3; count++) {
      const task = await client.startTool(startCall);
      const result = task.result();
      await vi.advanceTimersByTimeAsync(2000);
      await result;
      (await client.startTool(startCall)).detach();
    }
    expect(client.stats().tools[0]?.circuit?.state).toBe('closed');
  });
});

describe('the options', () => {
  test.each<[unknown, string]>([
    ['yes', 'Expected `circuitBreaker` to be true, false or an object, got yes'],
    [null, 'Expected `circuitBreaker` to be true, false or an object, got null'],
    [{ failureRate: 1 }, 'Expected `circuitBreaker.failureRate` to be a number between 0 and 1, got 1'],
    [{ callCount: 0 }, 'Expected `circuitBreaker.callCount` to be an integer from 1 to 1000, got 0'],
    [{ callCount: Number.POSITIVE_INFINITY }, 'an integer from 1 to 1000, got Infinity'],
    [{ openMs: 0 }, 'Expected `circuitBreaker.openMs` to be a positive number, got 0'],
    [{ slowCallMs: '1s' }, 'Expected `circuitBreaker.slowCallMs` to be a positive number, got 1s'],
    [
      { callCount: 4, minimumCalls: 5 },
      'Expected `circuitBreaker.minimumCalls` to be at most `callCount` (4), got 5',
    ],
  ])('%j is refused: %s', (given, message) => {
    const resolve = () => resolveCircuitOptions(given as CircuitBreakerOptions);
    expect(resolve).toThrow(ConfigurationError);
    expect(resolve).toThrow(message);
  });

  test('a short look needs no other number', () => {
    expect(resolveCircuitOptions({ callCount: 3 })).toMatchObject({ callCount: 3, minimumCalls: 3 });
  });

  test('a client refuses what is wrong', async () => {
    const error = await failureOf(guarded(broken, { circuitBreaker: { failureRate: 2 } }));
    expect(error).toBeInstanceOf(ConfigurationError);
  });
});
