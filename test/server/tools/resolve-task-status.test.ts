import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { defineOperation, OperationError } from '../../../src/server/operation.js';
import { connectTools } from '../../fixtures/server/connected-tools.js';
import { echo, heldOperation } from '../../fixtures/server/test-operations.js';

const UNKNOWN = `task_held_${'0'.repeat(32)}`;

describe('the answer', () => {
  test('goes from pending over processing to completed', async () => {
    const held = heldOperation();
    const { initiate, resolve } = await (await connectTools([held.operation], { concurrency: 1 })).connect();
    const first = (await initiate('held')).data.task_ref;
    const second = (await initiate('held')).data.task_ref;
    await vi.waitFor(() => expect(held.runs).toHaveLength(1));
    expect((await resolve(second)).data).toEqual({
      task_ref: second,
      status: 'pending',
      created_at: expect.stringMatching(/Z$/),
      updated_at: expect.stringMatching(/Z$/),
      result: null,
      error: null,
      poll_after_ms: 1000,
    });
    expect((await resolve(first)).data).toMatchObject({ status: 'processing', poll_after_ms: 1000 });
    held.release();
    const { data } = await resolve(second, 5);
    expect(data).toEqual({
      task_ref: second,
      status: 'completed',
      created_at: expect.any(String),
      updated_at: expect.any(String),
      result: 'released',
      error: null,
    });
    expect(Date.parse(data.updated_at)).toBeGreaterThanOrEqual(Date.parse(data.created_at));
  });

  test.each([
    ['null', null],
    ['nothing', undefined],
    ['an empty text', ''],
    ['zero', 0],
    ['false', false],
    ['a list', [1, { a: null }]],
    ['text beyond ASCII', 'Grüße \0 \u2028 🍰 \ud800'],
    ['an object with odd names', { constructor: 1, 'a b': { $ref: '#' } }],
  ])('keeps the result %s', async (_case, value) => {
    const giving = defineOperation({
      name: 'giving',
      description: 'Gives.',
      input: z.object({}),
      slaSeconds: 10,
      run: async () => value as unknown,
    });
    const { initiate, resolve } = await (await connectTools([giving])).connect();
    const { data } = await resolve((await initiate('giving')).data.task_ref, 5);
    expect(data).toMatchObject({ status: 'completed', error: null });
    expect(data.result).toEqual(value ?? null);
  });

  test('of a failure carries its code and message and no result', async () => {
    const failing = defineOperation({
      name: 'failing',
      description: 'Fails.',
      input: z.object({}),
      slaSeconds: 10,
      run: async () => {
        throw new OperationError('UPSTREAM_BUSY', 'Come back later', { retryable: true });
      },
    });
    const { initiate, resolve } = await (await connectTools([failing])).connect();
    const { refused, data } = await resolve((await initiate('failing')).data.task_ref, 5);
    expect(refused).toBe(false);
    expect(data).toMatchObject({
      status: 'failed',
      result: null,
      error: { code: 'UPSTREAM_BUSY', message: 'Come back later', retryable: true },
    });
    expect(data).not.toHaveProperty('poll_after_ms');
  });

  test.each<[string, unknown, object | undefined]>([
    ['a fraction', 0.25, { progress: 0.25, total: 1 }],
    ['counts', { current: 1, total: 4, message: 'm' }, { progress: 1, total: 4, message: 'm' }],
    ['a total that is no number', { current: 1, total: Number.NaN }, { progress: 1 }],
    ['a total without end', { current: 1, total: Number.POSITIVE_INFINITY }, { progress: 1 }],
    ['a message that is no text', { current: 1, message: 7 }, { progress: 1 }],
    ['0 of 0', Number.NaN, undefined],
    ['nothing', undefined, undefined],
  ])(
    'shows progress that the SDK accepts, whatever an operation reports: %s',
    async (_case, report, expected) => {
      const reporting = defineOperation({
        name: 'reporting',
        description: 'Reports.',
        input: z.object({}),
        slaSeconds: 10,
        async run(_input, { progress }) {
          progress(report as number);
          return 'done';
        },
      });
      const { initiate, resolve } = await (await connectTools([reporting])).connect();
      const { data } = await resolve((await initiate('reporting')).data.task_ref, 5);
      expect(data.status).toBe('completed');
      expect(data.progress).toEqual(expected);
    },
  );
});

describe('wait_seconds', () => {
  test('answers as soon as the task ends', async () => {
    const held = heldOperation();
    const { initiate, resolve } = await (await connectTools([held.operation])).connect();
    const { data } = await initiate('held');
    const startedAt = performance.now();
    const answer = resolve(data.task_ref, 20);
    await vi.waitFor(() => expect(held.runs).toHaveLength(1));
    held.release();
    expect((await answer).data.status).toBe('completed');
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test('answers as soon as somebody cancels the task', async () => {
    const { initiate, resolve, cancel } = await (await connectTools([heldOperation().operation])).connect();
    const { data } = await initiate('held');
    const answer = resolve(data.task_ref, 20);
    await cancel(data.task_ref);
    expect((await answer).data).toMatchObject({ status: 'cancelled', error: { code: 'CANCELLED' } });
  });

  test('answers with the state at the latest after its time', async () => {
    const { initiate, resolve } = await (await connectTools([heldOperation().operation])).connect();
    const { data } = await initiate('held');
    const startedAt = performance.now();
    expect((await resolve(data.task_ref, 0.05)).data.status).toBe('processing');
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeGreaterThan(45);
    expect(tookMs).toBeLessThan(10_000);
  });

  test('ends when the caller gives up, and when the caller goes', async () => {
    const tools = await connectTools([heldOperation().operation]);
    const { client, initiate, resolve, call } = await tools.connect();
    const { data } = await initiate('held');
    await vi.waitUntil(async () => (await tools.engine.find(data.task_ref))?.status === 'processing');
    const waitForChange = vi.spyOn(tools.engine, 'waitForChange');
    /** Those of calls: the session itself waits longer, to be told of the end. */
    const held = () =>
      waitForChange.mock.results.filter((_, index) => {
        const timeoutMs = waitForChange.mock.calls[index]?.[1].timeoutMs ?? 0;
        return timeoutMs <= 20_000;
      });
    const impatient = new AbortController();
    const abandoned = call(
      'resolve_task_status',
      { task_ref: data.task_ref, wait_seconds: 20 },
      { signal: impatient.signal },
    );
    await vi.waitFor(() => expect(held()).toHaveLength(1));
    impatient.abort('enough');
    await expect(abandoned).rejects.toThrow();
    await expect(held()[0]?.value).rejects.toBeDefined();
    const left = resolve(data.task_ref, 20);
    left.catch(() => {});
    await vi.waitFor(() => expect(held()).toHaveLength(2));
    await client.close();
    await expect(held()[1]?.value).rejects.toBeDefined();
    await expect(left).rejects.toThrow();
    expect(await tools.engine.find(data.task_ref)).toMatchObject({ status: 'processing' });
  });
});

describe('a refused question', () => {
  test.each<[string, object, RegExp]>([
    ['no reference', {}, /task_ref/],
    ['an empty reference', { task_ref: '' }, /task_ref/],
    ['a reference that is too long', { task_ref: 'x'.repeat(201) }, /task_ref/],
    ['a longer wait than there is', { task_ref: UNKNOWN, wait_seconds: 21 }, /wait_seconds/],
    ['a negative wait', { task_ref: UNKNOWN, wait_seconds: -1 }, /wait_seconds/],
    ['a wait as text', { task_ref: UNKNOWN, wait_seconds: '5' }, /wait_seconds/],
    ['an unknown argument', { task_ref: UNKNOWN, wait: 5 }, /wait/],
  ])('%s', async (_case, args, message) => {
    const { call } = await (await connectTools([echo])).connect();
    const { refused, data } = await call('resolve_task_status', { ...args });
    expect(refused).toBe(true);
    expect(data.error).toMatchObject({
      code: 'INVALID_ARGUMENTS',
      message: expect.stringMatching(message),
      retryable: false,
    });
  });

  test.each([
    ['that nobody gave out', UNKNOWN],
    ['with a wildcard', 'task_%'],
    ['with a quote', "' OR 1=1 --"],
    ['with a zero byte', 'task_\0'],
  ])('a reference %s is not found, at once', async (_case, taskRef) => {
    const { resolve, initiate } = await (await connectTools([echo])).connect();
    await initiate('echo', { text: 'a' });
    const startedAt = performance.now();
    const { refused, data } = await resolve(taskRef, 20);
    expect(refused).toBe(true);
    expect(data.error.code).toBe('TASK_NOT_FOUND');
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test('a task of somebody else is answered word for word as one that does not exist', async () => {
    const tools = await connectTools([heldOperation().operation]);
    const [ada, bob] = [await tools.connect('ada'), await tools.connect('bob')];
    const taskRef = (await ada.initiate('held')).data.task_ref;
    for (const answer of [await bob.resolve(taskRef, 20), await bob.cancel(taskRef)]) {
      expect(answer.refused).toBe(true);
      expect(answer.data.error.message.replace(taskRef, UNKNOWN)).toBe(
        (await bob.resolve(UNKNOWN)).data.error.message,
      );
    }
    expect((await ada.resolve(taskRef)).data.error).toBeNull();
  });

  test('an expired task is not found', async () => {
    const { initiate, resolve } = await (await connectTools([echo], { ttlSeconds: 0.03 })).connect();
    const { data } = await initiate('echo', { text: 'a' });
    await vi.waitFor(async () =>
      expect((await resolve(data.task_ref)).data.error?.code).toBe('TASK_NOT_FOUND'),
    );
  });
});
