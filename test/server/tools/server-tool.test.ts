import { expect, test, vi } from 'vitest';
import { openEngine } from '../../../src/engine/open-engine.js';
import { StoreFailure } from '../../../src/engine/store-failure.js';
import { connectTools } from '../../fixtures/server/connected-tools.js';
import { echo } from '../../fixtures/server/test-operations.js';

const TASK_REF = `task_echo_${'0'.repeat(32)}`;

test('a store that refuses makes every tool answer STORE_UNAVAILABLE, which may pass', async () => {
  const engine = await openEngine('memory:');
  const { initiate, resolve, cancel } = await (await connectTools([echo], { engine })).connect();
  await engine.close();
  const answers = [
    await initiate('echo', { text: 'a' }),
    await resolve(TASK_REF, 20),
    await cancel(TASK_REF),
  ];
  for (const { refused, data } of answers) {
    expect(refused).toBe(true);
    expect(data).toEqual({
      error: { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('closed'), retryable: true },
    });
  }
});

test('a store that fails in the middle of a wait is told too', async () => {
  const tools = await connectTools([echo], { worker: false });
  const { initiate, resolve } = await tools.connect();
  const { data } = await initiate('echo', { text: 'a' });
  vi.spyOn(tools.engine, 'waitForChange').mockRejectedValueOnce(new StoreFailure('The disk is full.'));
  expect((await resolve(data.task_ref, 1)).data.error).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: 'The disk is full.',
  });
});

test('what nobody expected is a JSON-RPC error, not an answer', async () => {
  const tools = await connectTools([echo]);
  const { resolve } = await tools.connect();
  vi.spyOn(tools.engine, 'find').mockRejectedValueOnce(new TypeError('a bug'));
  await expect(resolve(TASK_REF)).rejects.toMatchObject({ code: -32603 });
});
