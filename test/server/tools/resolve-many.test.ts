import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineOperation } from '../../../src/server/operation.js';
import { connectTools } from '../../fixtures/server/connected-tools.js';
import { echo, heldOperation } from '../../fixtures/server/test-operations.js';

const UNKNOWN = `task_echo_${'0'.repeat(32)}`;
const POLL = 'resolve_task_status';

describe('the state of many tasks', () => {
  test('is answered in the order asked, each task once', async () => {
    const held = heldOperation();
    const { call, initiate } = await (await connectTools([echo, held.operation])).connect();
    const done = (await initiate('echo', { text: 'hi' }, { wait_seconds: 5 })).data.task_ref;
    const runs = (await initiate('held')).data.task_ref;
    const { data } = await call(POLL, { task_refs: [runs, done, runs] });
    expect(data).toEqual({
      tasks: [
        expect.objectContaining({ task_ref: runs, poll_after_ms: 1000, result: null }),
        expect.objectContaining({ task_ref: done, status: 'completed', result: { text: 'hi' } }),
      ],
    });
  });

  test('tells of tasks that are unknown or somebody else’s without spoiling the rest', async () => {
    const tools = await connectTools([echo]);
    const [mine, theirs] = [await tools.connect('me'), await tools.connect('them')];
    const own = (await mine.initiate('echo', { text: 'a' }, { wait_seconds: 5 })).data.task_ref;
    const other = (await theirs.initiate('echo', { text: 'b' }, { wait_seconds: 5 })).data.task_ref;
    const { data, refused } = await mine.call(POLL, { task_refs: [UNKNOWN, other, own] });
    expect(refused).toBe(false);
    const error = expect.objectContaining({ code: 'TASK_NOT_FOUND', retryable: false });
    expect(data.tasks).toEqual([
      { task_ref: UNKNOWN, error },
      { task_ref: other, error },
      expect.objectContaining({ task_ref: own, status: 'completed' }),
    ]);
  });

  test('can be held back until the first of them ends', async () => {
    const [slow, quick] = [heldOperation(), heldOperation()];
    const operations = [slow.operation, { ...quick.operation, name: 'quick' }];
    const { call, initiate } = await (await connectTools(operations)).connect();
    const refs = [(await initiate('held')).data.task_ref, (await initiate('quick')).data.task_ref];
    const answer = call(POLL, { task_refs: refs, wait_seconds: 20 });
    quick.release();
    const { data } = await answer;
    expect(data.tasks.map(({ status }: { status: string }) => status)).toEqual(['processing', 'completed']);
  });

  test('leaves out results for which it has no room, but never all', async () => {
    const large = defineOperation({
      name: 'large',
      description: 'Returns a long text.',
      input: z.strictObject({}),
      run: async () => 'x'.repeat(900_000),
    });
    const { call, initiate } = await (await connectTools([large])).connect();
    const refs: string[] = [];
    for (let count = 0; count < 6; count++)
      refs.push((await initiate('large', {}, { wait_seconds: 5 })).data.task_ref);
    const { data } = await call(POLL, { task_refs: refs });
    expect(data.tasks.map(({ task_ref }: { task_ref: string }) => task_ref)).toEqual(refs.slice(0, 4));
    expect(data.omitted).toEqual(refs.slice(4));
  });

  test.each([
    ['neither one nor many', {}],
    ['both', { task_ref: UNKNOWN, task_refs: [UNKNOWN] }],
    ['none', { task_refs: [] }],
    ['more than a hundred', { task_refs: Array(101).fill(UNKNOWN) }],
    ['a task that is no text', { task_refs: [7] }],
  ])('is not told of %s', async (_, given) => {
    const { call } = await (await connectTools([echo])).connect();
    expect(await call(POLL, given)).toMatchObject({
      refused: true,
      data: { error: { code: 'INVALID_ARGUMENTS' } },
    });
  });
});
