import { McpError } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BackgroundResult } from '../../../src/client/agent/background-call.js';
import { AwaitAbortedError, ConfigurationError } from '../../../src/errors.js';
import { awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import { completed, failed, pairTools, working } from '../../fixtures/client/scripted-pair.js';
import { text } from '../../fixtures/client/scripted-server.js';

const START = 'initiate_background_task';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

async function toolOf(name: string, ...given: Parameters<typeof awaitFixture>) {
  const fixture = await awaitFixture(...given);
  const tool = (await fixture.client.tools()).find(each => each.name === name);
  if (tool === undefined) throw new Error(`There is no tool ${name}`);
  return { ...fixture, tool };
}

describe('tools()', () => {
  test('are those of listTools, each with a call that gives the final result', async () => {
    const { client, tool } = await toolOf(START, pairTools([working, completed]), {
      definitions: {
        [START]: { description: 'Starts a job.', inputSchema: { type: 'object', required: ['x'] } },
      },
    });
    const { tools } = await client.listTools();
    expect(await client.tools()).toEqual(tools.map(each => ({ ...each, call: expect.any(Function) })));
    const result = tool.call({ x: 1 });
    await vi.runAllTimersAsync();
    expect(await result).toMatchObject({ structuredContent: { answer: 42 } });
  });

  test('give a time-out as a result with its code and the reference', async () => {
    const { tool } = await toolOf(START, pairTools(working), { maxAttempts: 2 });
    const result = tool.call({});
    await vi.runAllTimersAsync();
    expect(await result).toMatchObject({
      isError: true,
      content: [
        { text: expect.stringMatching(/^AWAIT_TIMEOUT: Gave up on `initiate_background_task` after 2 /) },
      ],
      structuredContent: { status: 'working', error: { code: 'AWAIT_TIMEOUT' }, reference: { tool: START } },
    });
  });

  test('give a refusal of the server as a result with its code', async () => {
    const refuse = () => {
      throw new McpError(-32602, 'no such cake');
    };
    const { tool } = await toolOf('greet', { greet: refuse });
    expect(await tool.call({})).toMatchObject({
      isError: true,
      content: [{ text: expect.stringMatching(/^JSON_RPC_-32602: .*no such cake/) }],
      structuredContent: { status: 'failed', error: { code: 'JSON_RPC_-32602' } },
    });
  });

  test('throw what is for the program: an abort, and an option that makes no sense', async () => {
    const { tool } = await toolOf(START, pairTools(working));
    const controller = new AbortController();
    const aborted = failureOf(tool.call({}, { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(10);
    controller.abort();
    expect(await aborted).toBeInstanceOf(AwaitAbortedError);
    expect(await failureOf(tool.call({}, { maxAttempts: 0 }))).toBeInstanceOf(ConfigurationError);
  });
});

describe('tools({ background: true })', () => {
  async function background(...[scripts, options]: Parameters<typeof awaitFixture>) {
    const fixture = await awaitFixture(scripts, options);
    const delivered: BackgroundResult[] = [];
    const tools = await fixture.client.tools({
      background: true,
      onResult: result => delivered.push(result),
    });
    const call = (name: string, args = {}, signal?: AbortSignal) =>
      tools.find(tool => tool.name === name)?.call(args, { signal }) ?? Promise.reject(new Error(name));
    return { ...fixture, tools, delivered, call };
  }

  test('need somebody to give the results to', async () => {
    const { client } = await awaitFixture({ greet: text('hi') });
    expect(await failureOf(client.tools({ background: true }))).toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining('`onResult`'),
    });
  });

  test('say that there is nothing to poll, and no longer that the call waits', async () => {
    const { tools } = await background(pairTools(completed), {
      definitions: { [START]: { description: 'Starts a job.', outputSchema: { type: 'object' } } },
    });
    expect(tools[0]?.description).toMatch(
      /^Starts a job\.\n\nLong work goes on in the background.*Do not poll/,
    );
    expect(tools[0]).not.toHaveProperty('outputSchema');
  });

  test('answer at once what is soon done', async () => {
    const { call, delivered } = await background({ greet: text('hello') });
    expect(await call('greet')).toMatchObject({ content: [{ text: 'hello' }] });
    expect(delivered).toEqual([]);
  });

  test('give an id after a second, and the result when it is there', async () => {
    const { call, delivered } = await background(pairTools([working, working, completed]), { longPollMs: 0 });
    const answer = call(START, { operation_type: 'sleep' });
    await vi.advanceTimersByTimeAsync(1000);
    const { structuredContent, content } = await answer;
    expect(structuredContent).toEqual({ status: 'working', id: expect.stringMatching(/^[0-9a-f]{8}$/) });
    const { id } = structuredContent as { id: string };
    expect(content).toMatchObject([{ text: expect.stringMatching(new RegExp(`${id}.* do not poll`)) }]);
    expect(delivered).toEqual([]);
    await vi.runAllTimersAsync();
    expect(delivered).toEqual([
      {
        id,
        tool: START,
        arguments: { operation_type: 'sleep' },
        result: expect.objectContaining({ structuredContent: { answer: 42 } }),
        message: `The result of ${START} (${id}):\n{"answer":42}`,
      },
    ]);
  });

  test('go on when the run that called them has ended, and deliver a failure with its code', async () => {
    const { call, delivered } = await background(pairTools([working, working, failed]), { longPollMs: 0 });
    const run = new AbortController();
    const answer = call(START, {}, run.signal);
    await vi.advanceTimersByTimeAsync(1000);
    await answer;
    run.abort();
    await vi.runAllTimersAsync();
    expect(delivered).toMatchObject([{ result: { isError: true } }]);
    expect(delivered[0]?.message).toMatch(/, which failed:\n.*SLA_EXCEEDED: It took too long\./);
  });

  test('end with the signal while they have not answered', async () => {
    const { call, delivered } = await background(pairTools(working), { longPollMs: 0 });
    const run = new AbortController();
    const answer = failureOf(call(START, {}, run.signal));
    await vi.advanceTimersByTimeAsync(500);
    run.abort();
    expect(await answer).toBeInstanceOf(AwaitAbortedError);
    await vi.runAllTimersAsync();
    expect(delivered).toEqual([]);
  });

  test('deliver what a close leaves open, too, with the code', async () => {
    const { call, client, delivered } = await background(pairTools(working), { longPollMs: 0 });
    const answer = call(START);
    await vi.advanceTimersByTimeAsync(1000);
    await answer;
    await client.close();
    await vi.runAllTimersAsync();
    expect(delivered).toMatchObject([
      { result: { isError: true, structuredContent: { status: 'working', error: { code: 'ABORTED' } } } },
    ]);
  });
});
