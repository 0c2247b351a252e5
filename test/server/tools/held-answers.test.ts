import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { defineOperation } from '../../../src/server/operation.js';
import { connectTools } from '../../fixtures/server/connected-tools.js';
import { echo, heldOperation } from '../../fixtures/server/test-operations.js';

describe('a start that is asked to wait', () => {
  test('answers with the result of a task that ends in time', async () => {
    const { initiate } = await (await connectTools([echo])).connect();
    const { data } = await initiate('echo', { text: 'hi' }, { wait_seconds: 5 });
    expect(data).toMatchObject({ status: 'completed', result: { text: 'hi' }, error: null });
  });

  test('answers with the reference of one that does not', async () => {
    const held = heldOperation();
    const { initiate } = await (await connectTools([held.operation])).connect();
    const begunAt = performance.now();
    const { data } = await initiate('held', {}, { wait_seconds: 0.1 });
    expect(performance.now() - begunAt).toBeGreaterThan(80);
    expect(data).toEqual({
      task_ref: expect.any(String),
      status: 'processing',
      poll_after_ms: 1000,
      expires_at: expect.any(String),
    });
  });

  test('does not wait unless it is asked to', async () => {
    const held = heldOperation();
    const { initiate } = await (await connectTools([held.operation])).connect();
    const { data } = await initiate('held');
    expect(data.status).toBe('queued');
    expect(data).not.toHaveProperty('result');
  });

  test.each([-1, 21, 'long'])('refuses to wait %j', async wait_seconds => {
    const { initiate } = await (await connectTools([echo])).connect();
    expect(await initiate('echo', { text: 'hi' }, { wait_seconds })).toMatchObject({
      refused: true,
      data: { error: { code: 'INVALID_ARGUMENTS' } },
    });
  });
});

describe('a status answer that is held back', () => {
  test('brings progress to a caller who asks for it', async () => {
    let report = (_share: number) => {};
    let end = () => {};
    const slow = defineOperation({
      name: 'slow',
      description: 'Reports progress.',
      input: z.strictObject({}),
      slaSeconds: 10,
      run: (_input, { progress }) =>
        new Promise<void>(resolve => {
          report = progress;
          end = resolve;
        }),
    });
    const { client, initiate } = await (await connectTools([slow])).connect();
    const { task_ref } = (await initiate('slow')).data;
    const onprogress = vi.fn();
    const answer = client.callTool(
      { name: 'resolve_task_status', arguments: { task_ref, wait_seconds: 10 } },
      undefined,
      {
        onprogress,
      },
    );
    await vi.waitFor(() => {
      report(0.5);
      expect(onprogress).toHaveBeenCalledWith({ progress: 0.5, total: 1 });
    });
    end();
    expect(await answer).toMatchObject({ structuredContent: { status: 'completed' } });
  });
});
