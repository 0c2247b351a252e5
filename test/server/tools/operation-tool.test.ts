import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { ConfigurationError } from '../../../src/errors.js';
import { defineOperation, OperationError } from '../../../src/server/operation.js';
import { checkOperations } from '../../../src/server/runtime.js';
import { type ConnectedToolsOptions, connectTools } from '../../fixtures/server/connected-tools.js';
import { echo, heldOperation } from '../../fixtures/server/test-operations.js';

const CALL = 'io.github.mcp-await/call';
const TASK = 'io.github.mcp-await/task';

const failing = defineOperation({
  name: 'failing',
  description: 'Fails.',
  input: z.object({}),
  run: () => Promise.reject(new OperationError('UPSTREAM_BUSY', 'Try later', { retryable: true })),
});

const counting = defineOperation({
  name: 'counting',
  description: 'Returns a number.',
  input: z.object({}),
  output: z.number(),
  run: async () => 42,
});

const measuring = defineOperation({
  name: 'measuring',
  description: 'Returns an object.',
  input: z.object({ path: z.string() }),
  output: z.object({ bytes: z.number() }),
  run: async () => ({ bytes: 1 }),
});

const foreign = defineOperation({
  name: 'foreign',
  description: 'Returns a tool result.',
  input: z.object({}),
  run: async () => ({ content: [{ type: 'text', text: 'as it is' }] }),
});

async function connect(options: ConnectedToolsOptions = {}) {
  const held = heldOperation();
  const operations = [echo, failing, counting, measuring, foreign, held.operation];
  const connected = await connectTools(operations, { inlineWindowMs: 10_000, ...options });
  const caller = await connected.connect();
  const call = (name: string, args: object = {}, meta?: object, signal?: AbortSignal) =>
    caller.client.callTool(
      { name, arguments: { ...args }, ...(meta && { _meta: { [CALL]: meta } }) },
      undefined,
      { ...(signal && { signal }) },
    ) as Promise<CallToolResult>;
  return { ...caller, engine: connected.engine, held, callOwn: call };
}

describe('the tool of an operation', () => {
  test('is listed with the schemas of its operation', async () => {
    const { client } = await connect();
    const { tools } = await client.listTools();
    expect(tools.find(({ name }) => name === 'echo')).toMatchObject({
      description: 'Returns its input.',
      inputSchema: { type: 'object', properties: { text: { type: 'string' } }, additionalProperties: false },
      _meta: { 'io.github.mcp-await/pair': 'mcp-await' },
    });
    expect(tools.find(({ name }) => name === 'echo')).not.toHaveProperty('outputSchema');
    expect(tools.find(({ name }) => name === 'measuring')?.outputSchema).toMatchObject({
      type: 'object',
      anyOf: expect.arrayContaining([expect.objectContaining({ properties: { bytes: { type: 'number' } } })]),
    });
  });

  test('answers with the result of a task that is soon done, and tells which task it was', async () => {
    const { callOwn, resolve } = await connect();
    const answer = await callOwn('echo', { text: 'hello' });
    expect(answer).toMatchObject({
      structuredContent: { text: 'hello' },
      _meta: { [TASK]: { status: 'completed' } },
    });
    expect(answer.content).toEqual([{ type: 'text', text: '{"text":"hello"}' }]);
    const task = answer._meta?.[TASK] as { task_ref: string } | undefined;
    expect((await resolve(task?.task_ref ?? '')).data).toMatchObject({
      status: 'completed',
      result: { text: 'hello' },
    });
  });

  test.each([
    ['counting', {}, { structuredContent: { result: 42 }, content: [{ type: 'text', text: '42' }] }],
    ['measuring', { path: '.' }, { structuredContent: { bytes: 1 } }],
    ['foreign', {}, { content: [{ type: 'text', text: 'as it is' }] }],
    [
      'failing',
      {},
      {
        isError: true,
        content: [{ type: 'text', text: 'The task failed: UPSTREAM_BUSY: Try later' }],
        structuredContent: {
          status: 'failed',
          error: { code: 'UPSTREAM_BUSY', message: 'Try later', retryable: true },
        },
      },
    ],
  ])('answers with what %s came to', async (name, args, expected) => {
    const { callOwn } = await connect();
    expect(await callOwn(name, args)).toMatchObject(expected);
  });

  test('is held longer for a host that is known to wait, and answered at once where the window is 0', async () => {
    const start = async (inlineWindowMs: number) => {
      const held = heldOperation();
      const connected = await connectTools([held.operation], { inlineWindowMs });
      const { client } = await connected.connect('local', 'claude-code');
      return { held, call: client.callTool({ name: 'held' }) };
    };
    const patient = await start(1);
    await vi.waitFor(() => expect(patient.held.runs).toHaveLength(1));
    patient.held.release();
    expect(await patient.call).toMatchObject({ structuredContent: { result: 'released' } });
    const hasty = await start(0);
    expect(await hasty.call).toMatchObject({ structuredContent: { status: 'queued' } });
    hasty.held.release();
  });

  test('is held as long as the operator says, whichever host calls', async () => {
    const held = heldOperation();
    const options = { inlineWindowMs: 20_000, hostTimeoutMs: 10 };
    const connected = await connectTools([held.operation], options);
    for (const host of ['claude-code', 'unknown']) {
      const { client } = await connected.connect('local', host);
      const answer = await client.callTool({ name: 'held' });
      expect(answer.structuredContent).toMatchObject({ status: expect.stringMatching('queued|processing') });
    }
    held.release();
  });

  test('is the same call where a host sends it again under the same id', async () => {
    const { client, held } = await connect({ inlineWindowMs: 1 });
    const call = async (id: string, args: object = {}) => {
      const answer = await client.callTool({
        name: 'held',
        arguments: { ...args },
        _meta: { 'claudecode/toolUseId': `toolu_01AbCdEfGhIjKlMn${id}` },
      });
      return (answer._meta as { [TASK]: { task_ref: string } })[TASK].task_ref;
    };
    const one = await call('a');
    expect(await call('a')).toBe(one);
    expect(new Set([one, await call('b'), await call('a', { label: 'other' })]).size).toBe(3);
    held.release();
  });

  test('answers with the reference, and how to go on with it, where the work takes longer', async () => {
    const { callOwn, held, resolve } = await connect({ inlineWindowMs: 1 });
    const { content, structuredContent, isError } = await callOwn('held');
    expect(isError).toBeUndefined();
    expect(structuredContent).toMatchObject({
      status: expect.stringMatching(/queued|processing/),
      poll_after_ms: expect.any(Number),
      expires_at: expect.any(String),
    });
    const { task_ref } = structuredContent as { task_ref: string };
    expect(content[1]).toMatchObject({
      text: expect.stringContaining(`resolve_task_status with task_ref ${task_ref}`),
    });
    held.release();
    expect((await resolve(task_ref, 10)).data).toMatchObject({ status: 'completed', result: 'released' });
  });

  test('refuses arguments that do not fit, and queues nothing', async () => {
    const { callOwn, engine } = await connect();
    expect(await callOwn('echo', { text: 1 })).toMatchObject({
      isError: true,
      structuredContent: {
        error: { code: 'INVALID_PARAMETERS', message: expect.stringContaining('`echo`') },
      },
    });
    expect(await engine.stats(60_000)).toEqual([]);
  });

  test('takes what is no argument from the `_meta` of the call', async () => {
    const { callOwn, held } = await connect();
    const meta = { idempotency_key: 'one', wait_seconds: 0, ttl_seconds: 100 };
    const [first, second] = [await callOwn('held', {}, meta), await callOwn('held', {}, meta)];
    expect(first.structuredContent?.task_ref).toBe(second.structuredContent?.task_ref);
    held.release();
  });

  test.each([
    [{ wait_seconds: 21 }],
    [{ wait: 1 }],
    [{ idempotency_key: '' }],
    ['wait'],
    [{ ttl_seconds: 1 }],
  ])('refuses %j there', async meta => {
    const { callOwn } = await connect();
    expect(await callOwn('echo', { text: '' }, meta as object)).toMatchObject({
      isError: true,
      structuredContent: { error: { code: 'INVALID_ARGUMENTS' } },
    });
  });

  test('cancels a task that its caller gives up before anybody knows of it', async () => {
    const { callOwn, held } = await connect();
    const given = new AbortController();
    const call = callOwn('held', {}, undefined, given.signal);
    await vi.waitUntil(() => held.runs.length === 1);
    given.abort();
    await expect(call).rejects.toThrow();
    await vi.waitUntil(() => held.runs[0]?.signal.aborted);
  });

  test('lets a task go on that its caller can find again by its key', async () => {
    const { callOwn, held } = await connect();
    const given = new AbortController();
    const call = callOwn('held', {}, { idempotency_key: 'mine' }, given.signal);
    await vi.waitUntil(() => held.runs.length === 1);
    given.abort();
    await expect(call).rejects.toThrow();
    held.release();
    const again = await callOwn('held', {}, { idempotency_key: 'mine' });
    expect(again.structuredContent).toEqual({ result: 'released' });
  });

  test.each(['initiate_background_task', 'resolve_task_status', 'cancel_background_task'])(
    'may not be named %s',
    name => {
      expect(() => checkOperations([{ ...echo, name }])).toThrow(ConfigurationError);
    },
  );
});
