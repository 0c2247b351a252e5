import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { PairProfile } from '../../../src/client/tools/pair-options.js';
import type { Snapshot } from '../../../src/types.js';
import { type AwaitFixture, awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import { json, type Reply, silence, text } from '../../fixtures/client/scripted-server.js';

const MINUTE_MS = 60_000;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const bakery = {
  name: 'bakery',
  start: { tool: 'bake' },
  status: { tool: 'look', handleArgument: 'ticket_id' },
} satisfies PairProfile;
const inputSchema: Tool['inputSchema'] = { type: 'object', properties: { ticket_id: { type: 'string' } } };
const bake = json({ ticket_id: 't1', state: 'queued' });
const told = (state: string, fields: object = {}): Reply => json({ state, ...fields });
const call = { name: 'bake', arguments: {} };

function open(
  look: Reply | readonly Reply[],
  options: Parameters<typeof awaitFixture>[1] = {},
): Promise<AwaitFixture> {
  return awaitFixture(
    { bake, look },
    { definitions: { bake: { inputSchema }, look: { inputSchema } }, pairs: [bakery], ...options },
  );
}

describe('a status word that nobody knows', () => {
  test('is told with the next state, once as an event, and in the error of a wait that is over', async () => {
    const { client, events } = await open(told('proofed'));
    const seen: Snapshot[] = [];
    const failure = failureOf(
      client.callTool(call, undefined, { deadlineMs: 10_000, onUpdate: snapshot => seen.push(snapshot) }),
    );
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen.at(-1)?.notices).toEqual([
      expect.stringContaining('`proofed`, which is no known status word'),
    ]);
    await vi.advanceTimersByTimeAsync(9000);
    expect((await failure).message).toMatch(/--timeout\).*`proofed`.*--done-word/);
    expect(events.filter(({ type }) => type === 'status-unknown')).toHaveLength(1);
  });

  test('is no longer told when the next one is known', async () => {
    const { client } = await open([told('proofed'), told('running'), told('done')]);
    const seen: Snapshot[] = [];
    const result = client.callTool(call, undefined, { onUpdate: snapshot => seen.push(snapshot) });
    await vi.advanceTimersByTimeAsync(10_000);
    await result;
    expect(seen.map(({ notices }) => notices !== undefined)).toEqual([false, true, false, false]);
  });

  test('is an end where `words` says so, of a pair that is told, and of a task that is resumed', async () => {
    const { client } = await open(told('proofed'), { words: { Proofed: 'completed' } });
    const result = client.callTool(call);
    await vi.advanceTimersByTimeAsync(1000);
    await expect(result).resolves.toMatchObject({ structuredContent: { state: 'proofed' } });

    const first = await open(told('proofed'));
    const { reference } = await first.client.startTool(call);
    if (reference === undefined) throw new Error('Expected a reference');
    const second = await open(told('proofed'), { words: { proofed: 'failed' } });
    const resumed = await second.client.resumeTask(reference);
    await expect(resumed.result()).resolves.toMatchObject({ isError: true });
  });

  test('and `words` that are none are refused', async () => {
    const words = { ready: 'finished' } as never;
    expect(await failureOf(open(told('done'), { words }))).toMatchObject({ code: 'CONFIGURATION' });
  });
});

describe('a call of which nothing new is heard', () => {
  test('is told to be quiet after ten minutes, once, and goes on', async () => {
    const { client, events } = await open(told('running'));
    const seen: Snapshot[] = [];
    const failure = failureOf(
      client.callTool(call, undefined, { deadlineMs: 40 * MINUTE_MS, onUpdate: each => seen.push(each) }),
    );
    await vi.advanceTimersByTimeAsync(10 * MINUTE_MS - 1);
    expect(seen.at(-1)?.notices).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(seen.at(-1)?.notices).toEqual([expect.stringContaining('for 10 m')]);
    await vi.advanceTimersByTimeAsync(30 * MINUTE_MS);
    expect((await failure).message).toContain('Nothing new was heard of it for 10 m (`quietAfterMs`)');
    expect(events.filter(({ type }) => type === 'task-quiet')).toEqual([
      { type: 'task-quiet', tool: 'bake', quietForMs: 10 * MINUTE_MS },
    ]);
  });

  test.each([
    ['running for %d s', 1],
    ['running, 00:%d elapsed', 1],
    ['frame %d of 200', 0],
  ])('a message that only counts the time is nothing new: %s', async (message, times) => {
    const looks = Array.from({ length: 15 }, (_, index) =>
      told('running', { message: message.replace('%d', String(index + 10)) }),
    );
    const { client, events } = await open([...looks, told('done')], {
      initialIntervalMs: MINUTE_MS,
      backoffMultiplier: 1,
      maxIntervalMs: MINUTE_MS,
      quietAfterMs: 10 * MINUTE_MS,
      pairs: [{ ...bakery, status: { ...bakery.status, messageAt: 'message' } }],
    });
    const result = client.callTool(call);
    await vi.advanceTimersByTimeAsync(20 * MINUTE_MS);
    await result;
    expect(events.filter(({ type }) => type === 'task-quiet')).toHaveLength(times);
  });

  test('is told again after a sign of life', async () => {
    const looks = Array.from({ length: 30 }, (_, index) => told('running', { message: `${index < 15}` }));
    const { client, events } = await open([...looks, told('done')], {
      initialIntervalMs: MINUTE_MS,
      backoffMultiplier: 1,
      maxIntervalMs: MINUTE_MS,
      quietAfterMs: 10 * MINUTE_MS,
      pairs: [{ ...bakery, status: { ...bakery.status, messageAt: 'message' } }],
    });
    const result = client.callTool(call);
    await vi.advanceTimersByTimeAsync(40 * MINUTE_MS);
    await result;
    expect(events.filter(({ type }) => type === 'task-quiet')).toHaveLength(2);
  });

  test('is told also where it is synchronous, and never with `Infinity`', async () => {
    const { client, events } = await awaitFixture({ slow: silence, other: silence });
    const ends = [
      client.callTool({ name: 'slow' }, undefined, { deadlineMs: 30 * MINUTE_MS }),
      client.callTool({ name: 'other' }, undefined, { deadlineMs: 30 * MINUTE_MS, quietAfterMs: Infinity }),
    ].map(failureOf);
    await vi.advanceTimersByTimeAsync(30 * MINUTE_MS);
    expect((await Promise.all(ends)).map(({ code }) => code)).toEqual(['AWAIT_TIMEOUT', 'AWAIT_TIMEOUT']);
    expect(events.flatMap(event => (event.type === 'task-quiet' ? [event.tool] : []))).toEqual(['slow']);
  });
});

describe('a status tool that does not take what it is asked', () => {
  test.each([
    'MCP error -32602: Input validation error: Invalid arguments for tool look: ticket_id required',
    'Error executing tool look: 1 validation error for lookArguments\nticket_id\n  Field required',
    '1 validation error for call[look]\nid\n  Unexpected keyword argument [type=unexpected_keyword_argument]',
    'no such argument: ticket_id',
    "look() missing 1 required positional argument: 'ticket_id'",
    'Unknown tool: look',
    'Tool look not found',
    "Input validation error: 'ticket_id' is a required property",
  ])('ends the wait, and its reference stays: %s', async words => {
    const { client, callTimes } = await open(() => ({
      content: [{ type: 'text', text: words }],
      isError: true,
    }));
    const failure = failureOf(client.callTool(call));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await failure).toMatchObject({
      code: 'STATUS_CHECK_FAILED',
      reference: { tool: 'bake' },
      message: expect.stringMatching(
        /does not take what it was asked about the task t1: .*[^ ]\. The profile of the pair is wrong.*`npx mcp-await tools`/,
      ),
    });
    expect(callTimes('look')).toHaveLength(1);
  });

  test.each(['ffmpeg: Invalid argument', 'The oven broke', 'missing required field `flour` in the recipe'])(
    'is not confused with a task that failed: %s',
    async words => {
      const { client } = await open(() => ({ content: [{ type: 'text', text: words }], isError: true }));
      const result = client.callTool(call);
      await vi.advanceTimersByTimeAsync(1000);
      await expect(result).resolves.toMatchObject({ isError: true, content: [{ text: words }] });
    },
  );
});

describe('a profile that does not fit the server', () => {
  const pairs = (change: object): PairProfile[] => [{ ...bakery, ...change }];
  test.each<[string, object, RegExp]>([
    [
      'status tool',
      { status: { tool: 'lok', handleArgument: 'ticket_id' } },
      /status tool `lok`.*mean `look`.*It has: bake, look/,
    ],
    [
      'argument',
      { status: { tool: 'look', handleArgument: 'id' } },
      /argument `id` of `look`.*It has: ticket_id/,
    ],
    ['cancel tool', { cancel: { tool: 'stop', handleArgument: 'ticket_id' } }, /cancel tool `stop`/],
    ['result tool', { result: { tool: 'fetch', arguments: {} } }, /result tool `fetch`/],
    ['start tool', { start: { tool: 'bakes' } }, /start tool `bakes`.*mean `bake`/],
  ])('is told before anything is sent: %s', async (_what, change, message) => {
    const { client, server } = await open(told('done'), { pairs: pairs(change) });
    const error = await failureOf(client.callTool(call));
    expect(error).toMatchObject({ code: 'CONFIGURATION', tool: 'bake' });
    expect(error.message).toMatch(message);
    expect(server.calls).toEqual([]);
    const explained = await client.explainTools();
    expect(explained.find(({ tool }) => tool === 'bake')?.why).toMatch(message);
  });

  test('leaves other tools alone, and says that it is not used', async () => {
    const { client } = await awaitFixture(
      { bake, look: told('done'), recite: text('hi') },
      { pairs: pairs({ start: { tool: 'bakes' } }) },
    );
    const seen: Snapshot[] = [];
    const result = await client.callTool({ name: 'recite' }, undefined, {
      onUpdate: each => seen.push(each),
    });
    expect(result).toEqual({ content: [{ type: 'text', text: 'hi' }] });
    expect(seen[0]?.notices).toEqual([expect.stringMatching(/`bakes`.*It is not used\.$/)]);
  });

  test('is believed where the status tool takes any argument, or lists none', async () => {
    for (const schema of [
      { type: 'object' as const },
      { type: 'object' as const, properties: {}, additionalProperties: true },
    ]) {
      const { client } = await open(told('done'), { definitions: { look: { inputSchema: schema } } });
      const result = client.callTool(call);
      await vi.advanceTimersByTimeAsync(1000);
      await expect(result).resolves.toMatchObject({ structuredContent: { state: 'done' } });
    }
  });
});

describe('while somebody answers what the server asks', () => {
  const asking = async (fixture: AwaitFixture) =>
    fixture.server.server.elicitInput({
      message: 'Sure?',
      requestedSchema: { type: 'object', properties: {} },
    });

  test('no silence ends a call, and it is not told to be quiet', async () => {
    const fixture: AwaitFixture = await awaitFixture(
      {
        a: async () => {
          const { action } = await asking(fixture);
          return { content: [{ type: 'text', text: action }] };
        },
      },
      {
        clientOptions: { capabilities: { elicitation: {} } },
        onInput: () => new Promise(resolve => setTimeout(resolve, 50_000, { action: 'accept', content: {} })),
      },
    );
    const options = { silenceTimeoutMs: 2000, quietAfterMs: 2000 };
    const result = fixture.client.callTool({ name: 'a' }, undefined, options);
    await vi.advanceTimersByTimeAsync(50_000);
    await expect(result).resolves.toMatchObject({ content: [{ text: 'accept' }] });
    expect(fixture.events.filter(({ type }) => type === 'task-quiet')).toEqual([]);
  });

  test('and the silence after the answer counts from the answer', async () => {
    const fixture: AwaitFixture = await awaitFixture(
      {
        a: async request => {
          await asking(fixture);
          return silence(request);
        },
      },
      {
        clientOptions: { capabilities: { elicitation: {} } },
        onInput: () => new Promise(resolve => setTimeout(resolve, 5000, { action: 'accept', content: {} })),
      },
    );
    const failure = failureOf(fixture.client.callTool({ name: 'a' }, undefined, { silenceTimeoutMs: 2000 }));
    await vi.advanceTimersByTimeAsync(6999);
    expect(fixture.server.count('notifications/cancelled')).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(await failure).toMatchObject({ budget: 'silence' });
  });
});
