import { type CallToolResult, ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { AwaitTimeoutError, ConfigurationError, ProtocolViolationError } from '../../../src/errors.js';
import type { Snapshot } from '../../../src/types.js';
import { awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import { type Reply, refuse, silence, text } from '../../fixtures/client/scripted-server.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const image = { type: 'image' as const, data: 'iVBORw0KGgo=', mimeType: 'image/png' };
const results: Record<string, CallToolResult> = {
  'a text': { content: [{ type: 'text', text: 'done' }] },
  'an error': { content: [{ type: 'text', text: 'no luck' }], isError: true },
  'structured data': { content: [{ type: 'text', text: '{"a":1}' }], structuredContent: { a: 1 } },
  'a structured error': { content: [], structuredContent: { error: { code: 'X' } }, isError: true },
  'images and a link': {
    content: [image, { type: 'resource_link', uri: 'file:///a.txt', name: 'a' }, image],
    _meta: { trace: 'abc' },
  },
  'nothing at all': { content: [] },
  'a false isError': { content: [], isError: false },
  'keys that nobody knows': { content: [], future: { x: 1 } },
};

describe('in place of the SDK client, for a synchronous tool,', () => {
  test.each(Object.keys(results))('callTool gives the very result of the SDK: %s', async name => {
    const { client, server } = await awaitFixture({ tool: () => results[name] ?? { content: [] } });
    const ours = await client.callTool({ name: 'tool', arguments: { x: 1 } });
    const theirs = await server.client.callTool({ name: 'tool', arguments: { x: 1 } });
    expect(ours).toStrictEqual(theirs);
    expect(server.calls.map(call => call.arguments)).toEqual([{ x: 1 }, { x: 1 }]);
  });

  test.each<[string, Reply]>([
    ['bad arguments', refuse(new McpError(ErrorCode.InvalidParams, 'x is missing', { field: 'x' }))],
    ['an error of the server', refuse(new McpError(ErrorCode.InternalError, 'oops'))],
    ["a code of the server's own", refuse(new McpError(-31_000, 'quota', { left: 0 }))],
    ['-32000, the code of many servers for anything', refuse(new McpError(-32_000, 'quota', { left: 0 }))],
    ['-32001, which the SDK uses for its own time-out', refuse(new McpError(-32_001, 'no such session'))],
    ['a plain error', refuse(new Error('boom'))],
  ])('callTool throws the very McpError of the SDK: %s', async (_what, reply) => {
    const { client, server } = await awaitFixture({ tool: reply });
    const ours = await failureOf(client.callTool({ name: 'tool' }));
    const theirs = await failureOf(server.client.callTool({ name: 'tool' }));
    expect(ours).toBeInstanceOf(McpError);
    expect(ours).toEqual(theirs);
    expect(ours.data).toEqual(theirs.data);
  });

  test.each([
    ['other structured content', { structuredContent: { count: 'many' } }],
    ['no structured content', {}],
    ['an error with other structured content', { isError: true, structuredContent: { code: 5 } }],
  ])('a result that does not fit the output schema is not lost: %s', async (_what, more) => {
    const reply = { content: [{ type: 'text' as const, text: 'quota exceeded' }], ...more };
    const outputSchema = { type: 'object' as const, properties: { count: { type: 'number' } } };
    const { client } = await awaitFixture(
      { tool: () => reply },
      { definitions: { tool: { outputSchema: { ...outputSchema, required: ['count'] } } } },
    );
    expect(await client.callTool({ name: 'tool' })).toEqual(reply);
    await client.listTools();
    expect(await client.callTool({ name: 'tool' })).toEqual(reply);
  });

  test('arguments that are no JSON are refused, and not said to be on their way', async () => {
    const { client, server } = await awaitFixture({ tool: text('done') });
    const wire = server.client.transport;
    const send = wire?.send.bind(wire);
    // As a transport over HTTP or standard streams does it.
    if (wire !== undefined) wire.send = async message => send?.(JSON.parse(JSON.stringify(message)));
    const error = await failureOf(client.callTool({ name: 'tool', arguments: { id: 10n } }));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(/nothing was sent: Do not know how to serialize a BigInt/);
    expect(server.calls).toEqual([]);
  });

  test('request metadata is sent as it is', async () => {
    const { client, server } = await awaitFixture({ tool: text('done') });
    await client.callTool({ name: 'tool', _meta: { traceparent: '00-abc' } });
    const sent = server.received.find(message => 'method' in message && message.method === 'tools/call');
    expect(sent).toMatchObject({ params: { _meta: { traceparent: '00-abc' } } });
  });

  test('the tools are listed once for any number of calls', async () => {
    const { client, server } = await awaitFixture({ a: text('a'), b: text('b') });
    await Promise.all([client.callTool({ name: 'a' }), client.callTool({ name: 'b' })]);
    await client.callTool({ name: 'a' });
    expect(server.count('tools/list')).toBe(1);
  });

  test('a tool that is not listed is called all the same', async () => {
    const { client, server } = await awaitFixture({ listed: text('a') });
    await client.callTool({ name: 'listed' });
    server.addTool('new', text('fresh'));
    await expect(client.callTool({ name: 'new' })).resolves.toMatchObject({ content: [{ text: 'fresh' }] });
  });

  test('a server that refuses to list its tools is called all the same', async () => {
    const { client } = await awaitFixture(
      { tool: text('done') },
      { beforeListing: () => Promise.reject(new McpError(ErrorCode.InternalError, 'not today')) },
    );
    await expect(client.callTool({ name: 'tool' })).resolves.toMatchObject({ content: [{ text: 'done' }] });
  });

  test('an answer that is no tool result is a violation that says what is wrong', async () => {
    const { client } = await awaitFixture({ tool: () => ({ content: 5 }) as unknown as CallToolResult });
    const error = await failureOf(client.callTool({ name: 'tool' }));
    expect(error).toBeInstanceOf(ProtocolViolationError);
    expect(error.message).toMatch(/`tool` is no valid tool result/);
  });
});

/** Reports progress `count` times, a minute apart, then answers. */
const slow =
  (count: number): Reply =>
  async ({ progress, arguments: given }) => {
    for (let step = 1; step <= count; step++) {
      await new Promise(resolve => setTimeout(resolve, 60_000));
      await progress({ progress: step, total: count, message: `step ${step}` });
    }
    return text(`done ${JSON.stringify(given)}`)({} as never);
  };

describe('a synchronous call', () => {
  test("outlives the SDK's 60 seconds", async () => {
    const { client } = await awaitFixture({
      tool: () => new Promise(resolve => setTimeout(resolve, 290_000, { content: [] })),
    });
    const result = client.callTool({ name: 'tool' });
    await vi.advanceTimersByTimeAsync(290_000);
    await expect(result).resolves.toEqual({ content: [] });
  });

  test('may be silent for as long as its deadline, which may be without end', async () => {
    const { client } = await awaitFixture({
      tool: () => new Promise(resolve => setTimeout(resolve, 20 * 86_400_000, { content: [] })),
    });
    const result = client.callTool({ name: 'tool' }, undefined, { deadlineMs: Number.POSITIVE_INFINITY });
    const failure = failureOf(client.callTool({ name: 'tool' }));
    await vi.advanceTimersByTimeAsync(86_400_000);
    expect(await failure).toMatchObject({ budget: 'deadline' });
    await vi.advanceTimersByTimeAsync(19 * 86_400_000);
    await expect(result).resolves.toEqual({ content: [] });
  });

  test('is kept alive by progress for as long as it takes', async () => {
    const { client } = await awaitFixture({ tool: slow(60) }, { silenceTimeoutMs: 61_000 });
    const result = client.callTool({ name: 'tool' });
    await vi.advanceTimersByTimeAsync(3_600_000);
    await expect(result).resolves.toMatchObject({ content: [{ text: 'done {}' }] });
  });

  test('that falls silent ends with AwaitTimeoutError of the budget `silence`, and its request is cancelled', async () => {
    const { client, server } = await awaitFixture({
      tool: async request => {
        await request.progress({ progress: 1 });
        return silence(request);
      },
    });
    const failure = failureOf(client.callTool({ name: 'tool' }, undefined, { silenceTimeoutMs: 300_000 }));
    await vi.advanceTimersByTimeAsync(299_999);
    expect(server.count('notifications/cancelled')).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    const error = await failure;
    expect(error).toBeInstanceOf(AwaitTimeoutError);
    expect(error).toMatchObject({
      budget: 'silence',
      tool: 'tool',
      reference: undefined,
      snapshot: { progress: { progress: 1 } },
    });
    expect(error.message).toContain('silent for 5 m (`silenceTimeoutMs`, --silence-timeout)');
    expect(server.count('notifications/cancelled')).toBe(1);
  });

  test('is bounded by `deadlineMs` though progress goes on', async () => {
    const { client, server } = await awaitFixture({ tool: slow(3) });
    const failure = failureOf(client.callTool({ name: 'tool' }, undefined, { deadlineMs: 90_000 }));
    await vi.advanceTimersByTimeAsync(90_000);
    expect(await failure).toMatchObject({ name: 'AwaitTimeoutError', budget: 'deadline' });
    expect(server.count('notifications/cancelled')).toBe(1);
    await vi.advanceTimersByTimeAsync(120_000);
  });

  test('shows its progress as updates', async () => {
    const { client } = await awaitFixture({ tool: slow(2) });
    const seen: Snapshot[] = [];
    const result = client.callTool({ name: 'tool' }, undefined, { onUpdate: update => seen.push(update) });
    await vi.advanceTimersByTimeAsync(120_000);
    await result;
    expect(seen).toMatchObject([
      {
        status: 'working',
        message: 'step 1',
        progress: { progress: 1, total: 2 },
        attempt: 0,
        elapsedMs: 60_000,
      },
      { status: 'working', message: 'step 2', elapsedMs: 120_000 },
      { status: 'completed', attempt: 0, elapsedMs: 120_000 },
    ]);
  });

  test('takes nothing back from the server once it has ended', async () => {
    const { client, server } = await awaitFixture({ tool: text('done') });
    const task = await client.startTool({ name: 'tool' });
    await task.result();
    task.detach();
    await task.cancel();
    await vi.advanceTimersByTimeAsync(0);
    expect(server.count('notifications/cancelled')).toBe(0);
  });
});

describe('a caller who gives the options of the SDK', () => {
  test('gets progress through `onprogress` as from the SDK', async () => {
    const { client, server } = await awaitFixture({ tool: slow(2) });
    const [ours, theirs] = [vi.fn(), vi.fn()];
    const results = Promise.all([
      client.callTool({ name: 'tool' }, undefined, { onprogress: ours }),
      server.client.callTool({ name: 'tool' }, undefined, {
        onprogress: theirs,
        timeout: 200_000,
      }),
    ]);
    await vi.advanceTimersByTimeAsync(120_000);
    await results;
    expect(ours.mock.calls).toEqual(theirs.mock.calls);
    expect(ours).toHaveBeenCalledTimes(2);
  });

  test('is not cut by `timeout`', async () => {
    const { client } = await awaitFixture({ tool: slow(2) });
    const result = client.callTool({ name: 'tool' }, undefined, {
      timeout: 1000,
      resetTimeoutOnProgress: false,
    });
    await vi.advanceTimersByTimeAsync(120_000);
    await expect(result).resolves.toBeDefined();
  });

  test.each([
    [{ maxTotalTimeout: 5000 }, 5000],
    [{ maxTotalTimeout: 5000, deadlineMs: 9000 }, 9000],
  ])('has %j taken as a deadline of %d ms', async (options, deadlineMs) => {
    const { client } = await awaitFixture({ tool: silence });
    const ended = vi.fn();
    const failure = failureOf(client.callTool({ name: 'tool' }, undefined, options));
    failure.then(ended);
    await vi.advanceTimersByTimeAsync(deadlineMs - 1);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(await failure).toMatchObject({ budget: 'deadline' });
  });

  test('hears in a sentence that the final result does not fit the schema that was given', async () => {
    const { client } = await awaitFixture({ tool: text('done') });
    const schema = z.object({ answer: z.number() });
    const error = await failureOf(client.callTool({ name: 'tool' }, schema as never));
    expect(error).toBeInstanceOf(ProtocolViolationError);
    expect(error.message).toMatch(/`tool` does not fit the schema that was given: .*answer/);
  });

  test('has the final result parsed by the schema that was given', async () => {
    const { client } = await awaitFixture({ tool: text('done') });
    const schema = { parse: vi.fn(value => ({ ...value, parsed: true })) };
    const result = await client.callTool({ name: 'tool' }, schema as never);
    expect(result).toEqual({ content: [{ type: 'text', text: 'done' }], parsed: true });
  });
});
