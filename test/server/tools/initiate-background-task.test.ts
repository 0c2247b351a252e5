import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { defineOperation } from '../../../src/server/operation.js';
import { connectTools } from '../../fixtures/server/connected-tools.js';
import { echo, heldOperation } from '../../fixtures/server/test-operations.js';

describe('an accepted call', () => {
  test('answers with an unguessable reference, queued, when to ask and when it expires', async () => {
    const { initiate } = await (await connectTools([echo], { ttlSeconds: 3600 })).connect();
    const before = Date.now();
    const { refused, data } = await initiate('echo', { text: 'a' });
    expect(refused).toBe(false);
    expect(data).toEqual({
      task_ref: expect.stringMatching(/^task_echo_[0-9a-f]{32}$/),
      status: 'queued',
      poll_after_ms: 1000,
      expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    const keptMs = Date.parse(data.expires_at) - before;
    expect(keptMs).toBeGreaterThanOrEqual(3_600_000);
    expect(keptMs).toBeLessThan(3_610_000);
  });

  test('never gives a reference twice', async () => {
    const { initiate } = await (await connectTools([echo])).connect();
    const answers = await Promise.all(Array.from({ length: 50 }, () => initiate('echo', { text: 'a' })));
    expect(new Set(answers.map(({ data }) => data.task_ref)).size).toBe(50);
  });

  test('is answered before the operation does anything, also where it blocks the process', async () => {
    const order: string[] = [];
    const blocking = defineOperation({
      name: 'blocking',
      description: 'Blocks.',
      input: z.object({}),
      slaSeconds: 10,
      async run() {
        order.push('run');
        const until = performance.now() + 300;
        while (performance.now() < until);
        return 'done';
      },
    });
    const { initiate, resolve } = await (await connectTools([blocking])).connect();
    const { data } = await initiate('blocking');
    order.push('answer');
    expect((await resolve(data.task_ref, 5)).data).toMatchObject({ status: 'completed', result: 'done' });
    expect(order).toEqual(['answer', 'run']);
  });

  test('hands the worker what the schema made of the parameters', async () => {
    const padded = defineOperation({
      name: 'padded',
      description: 'Returns its input.',
      input: z.object({ size: z.coerce.number().default(7), at: z.string().transform(at => `/root/${at}`) }),
      slaSeconds: 10,
      run: async input => input,
    });
    const { initiate, resolve } = await (await connectTools([padded])).connect();
    const { data } = await initiate('padded', { at: 'x', unknown: 1 });
    expect((await resolve(data.task_ref, 5)).data.result).toEqual({ size: 7, at: '/root/x' });
  });
});

describe('a refused call queues nothing and says why', () => {
  test.each<[string, object, string, RegExp]>([
    ['no operation', {}, 'INVALID_ARGUMENTS', /initiate_background_task.*operation_type/],
    ['an operation that is no text', { operation_type: 7 }, 'INVALID_ARGUMENTS', /operation_type/],
    [
      'an unknown operation',
      { operation_type: 'ecko' },
      'UNKNOWN_OPERATION',
      /`ecko`.*`echo`\? Known: echo, held/,
    ],
    [
      'a built-in operation that is left out',
      { operation_type: 'sleep' },
      'UNKNOWN_OPERATION',
      /`sleep`\. `mcp-await serve --offer-sleep` offers it\. Known: echo/,
    ],
    ['a name of every object', { operation_type: 'constructor' }, 'UNKNOWN_OPERATION', /`constructor`/],
    ['an empty operation', { operation_type: '' }, 'UNKNOWN_OPERATION', /Known: echo/],
    ['no parameters where some are needed', { operation_type: 'echo' }, 'INVALID_PARAMETERS', /`echo`.*text/],
    [
      'a parameter of a wrong type',
      { operation_type: 'echo', parameters: { text: 1 } },
      'INVALID_PARAMETERS',
      /string.*text/,
    ],
    [
      'an unknown parameter',
      { operation_type: 'echo', parameters: { text: '', txt: '' } },
      'INVALID_PARAMETERS',
      /txt/,
    ],
    [
      'parameters as text',
      { operation_type: 'echo', parameters: '{"text":"a"}' },
      'INVALID_ARGUMENTS',
      /parameters/,
    ],
    ['parameters as a list', { operation_type: 'echo', parameters: [] }, 'INVALID_ARGUMENTS', /parameters/],
    [
      'parameters that are null',
      { operation_type: 'echo', parameters: null },
      'INVALID_ARGUMENTS',
      /parameters/,
    ],
    [
      'an unknown argument',
      { operation_type: 'echo', parameters: { text: '' }, priority: 1 },
      'INVALID_ARGUMENTS',
      /priority/,
    ],
    [
      'an empty idempotency key',
      { operation_type: 'held', idempotency_key: '' },
      'INVALID_ARGUMENTS',
      /idempotency_key/,
    ],
    [
      'a key of 256 characters',
      { operation_type: 'held', idempotency_key: 'k'.repeat(256) },
      'INVALID_ARGUMENTS',
      /idempotency_key/,
    ],
    [
      'no time at all',
      { operation_type: 'held', max_wait_seconds: 0 },
      'INVALID_ARGUMENTS',
      /max_wait_seconds/,
    ],
    [
      'negative time',
      { operation_type: 'held', max_wait_seconds: -1 },
      'INVALID_ARGUMENTS',
      /max_wait_seconds/,
    ],
  ])('%s', async (_case, args, code, message) => {
    const tools = await connectTools([echo, heldOperation().operation]);
    const submit = vi.spyOn(tools.engine, 'submit');
    const { call } = await tools.connect();
    const { refused, data } = await call('initiate_background_task', { ...args });
    expect(refused).toBe(true);
    expect(data).toEqual({ error: { code, message: expect.stringMatching(message), retryable: false } });
    expect(data.error.message).not.toContain('\n');
    expect(submit).not.toHaveBeenCalled();
  });

  test('a server without operations says so', async () => {
    const { initiate } = await (await connectTools([])).connect();
    expect((await initiate('echo')).data.error).toMatchObject({
      code: 'UNKNOWN_OPERATION',
      message: expect.stringContaining('This server has none'),
    });
  });

  test('a call without arguments is one without an operation', async () => {
    const { call } = await (await connectTools([echo])).connect();
    expect((await call('initiate_background_task')).data.error.code).toBe('INVALID_ARGUMENTS');
  });
});

describe('an idempotency key', () => {
  test('names one task, also for calls at the same time, and shows its state', async () => {
    const held = heldOperation();
    const { initiate, resolve } = await (await connectTools([held.operation])).connect();
    const start = () => initiate('held', { label: 'a' }, { idempotency_key: 'once' });
    const answers = await Promise.all(Array.from({ length: 20 }, start));
    expect(new Set(answers.map(({ data }) => data.task_ref)).size).toBe(1);
    await vi.waitFor(() => expect(held.runs).toHaveLength(1));
    expect((await start()).data.status).toBe('processing');
    held.release();
    await resolve(answers[0]?.data.task_ref, 5);
    expect((await start()).data).toMatchObject({ task_ref: answers[0]?.data.task_ref, status: 'completed' });
    expect(held.runs).toHaveLength(1);
  });

  test('takes parameters in another order for the same', async () => {
    const any = defineOperation({
      name: 'any',
      description: 'Takes anything.',
      input: z.record(z.string(), z.unknown()),
      slaSeconds: 10,
      run: async () => null,
    });
    const { initiate } = await (await connectTools([any])).connect();
    const first = await initiate('any', { a: { x: 1, y: [1, 2] }, b: 2 }, { idempotency_key: 'k' });
    const second = await initiate('any', { b: 2, a: { y: [1, 2], x: 1 } }, { idempotency_key: 'k' });
    expect(second.data.task_ref).toBe(first.data.task_ref);
    const conflict = await initiate('any', { b: 2, a: { y: [2, 1], x: 1 } }, { idempotency_key: 'k' });
    expect(conflict.refused).toBe(true);
    expect(conflict.data.error).toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
      message: expect.stringMatching(new RegExp(`\`k\`.*${first.data.task_ref}.*new key`)),
    });
  });

  test('is another key for another operation', async () => {
    const { initiate } = await (await connectTools([echo, heldOperation().operation])).connect();
    const first = await initiate('echo', { text: 'a' }, { idempotency_key: 'k' });
    const second = await initiate('held', {}, { idempotency_key: 'k' });
    expect(second.data.task_ref).not.toBe(first.data.task_ref);
  });

  test.each([
    ['a zero byte', 'a\0b', 'a\0c'],
    ['case', 'key', 'KEY'],
    ['a space at its end', 'key', 'key '],
    ['the form of an accent', '\u00e9', 'e\u0301'],
  ])('that differs in %s is another key', async (_case, one, other) => {
    const { initiate } = await (await connectTools([echo])).connect();
    const first = await initiate('echo', { text: 'a' }, { idempotency_key: one });
    const second = await initiate('echo', { text: 'b' }, { idempotency_key: other });
    expect(second.data.task_ref).toMatch(/^task_/);
    expect(second.data.task_ref).not.toBe(first.data.task_ref);
  });

  test('of somebody else is no conflict and tells nothing', async () => {
    const tools = await connectTools([echo]);
    const [ada, bob] = [await tools.connect('ada'), await tools.connect('bob')];
    const first = await ada.initiate('echo', { text: 'a' }, { idempotency_key: 'k' });
    const second = await bob.initiate('echo', { text: 'b' }, { idempotency_key: 'k' });
    expect(second).toMatchObject({ refused: false, data: { status: 'queued' } });
    expect(second.data.task_ref).not.toBe(first.data.task_ref);
  });
});

describe('ttl_seconds', () => {
  test('says how long the task is kept', async () => {
    const { initiate } = await (await connectTools([echo])).connect();
    const before = Date.now();
    const { data } = await initiate('echo', { text: 'a' }, { ttl_seconds: 7200 });
    const keptMs = Date.parse(data.expires_at) - before;
    expect(keptMs).toBeGreaterThanOrEqual(7_200_000);
    expect(keptMs).toBeLessThan(7_210_000);
  });

  test('has bounds, which the schema tells', async () => {
    const tools = await connectTools([echo], { maxTtlSeconds: 3600 });
    const { client, initiate } = await tools.connect();
    const submit = vi.spyOn(tools.engine, 'submit');
    const { tools: listed } = await client.listTools();
    const schema = listed.find(({ name }) => name === 'initiate_background_task')?.inputSchema.properties;
    expect(schema?.ttl_seconds).toMatchObject({ type: 'number', minimum: 60, maximum: 3600 });
    for (const ttl_seconds of [59, 3601]) {
      const { refused, data } = await initiate('echo', { text: 'a' }, { ttl_seconds });
      expect(refused).toBe(true);
      expect(data.error).toMatchObject({
        code: 'INVALID_ARGUMENTS',
        message: expect.stringContaining(`60 to 3600 seconds, \`ttl_seconds\` asks for ${ttl_seconds}.`),
      });
    }
    expect(submit).not.toHaveBeenCalled();
  });
});

describe('max_wait_seconds', () => {
  test.each([
    ['tightens the SLA', 10, 0.05, 50],
    ['never widens it', 2, 3600, 2000],
    ['may be no whole number of milliseconds', 10, 1.0005, 1001],
    ['may be less than a millisecond', 10, 0.0001, 1],
    ['may be as large as numbers go', 10, Number.MAX_VALUE, 10_000],
  ])('%s', async (_case, slaSeconds, maxWaitSeconds, slaMs) => {
    const tools = await connectTools([heldOperation(slaSeconds).operation], { worker: false });
    const { initiate } = await tools.connect();
    const { data } = await initiate('held', {}, { max_wait_seconds: maxWaitSeconds });
    expect(await tools.engine.find(data.task_ref)).toMatchObject({ slaMs });
  });

  test('fails a task that runs longer, and aborts its signal', async () => {
    const held = heldOperation();
    const { initiate, resolve } = await (await connectTools([held.operation])).connect();
    const { data } = await initiate('held', {}, { max_wait_seconds: 0.05 });
    expect((await resolve(data.task_ref, 5)).data).toMatchObject({
      status: 'failed',
      result: null,
      error: { code: 'SLA_EXCEEDED', message: expect.stringContaining('50 ms'), retryable: true },
    });
    expect(held.runs[0]?.signal.aborted).toBe(true);
  });
});
