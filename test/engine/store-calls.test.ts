import { expect, test } from 'vitest';
import { StoreCalls } from '../../src/engine/store-calls.js';
import { StoreFailure } from '../../src/engine/store-failure.js';
import { newDeferred } from '../../src/time/deferred.js';

const away = new Error('away');
const calls = new StoreCalls({
  label: 'redis://store',
  patienceMs: 30,
  isConnectionError: error => error === away,
});

test('a call that the store does not answer in time fails, and says so', async () => {
  const call = calls.make(() => newDeferred().promise);
  await expect(call).rejects.toThrow(StoreFailure);
  await expect(call).rejects.toThrow('The store redis://store did not answer within 0.03 s.');
});

test('a call that insists gets its answer, however late that comes', async () => {
  const { promise, resolve } = newDeferred();
  const answer = calls.insist(async () => {
    await promise;
    return 'late';
  });
  await expect(calls.make(() => promise)).rejects.toThrow('did not answer');
  resolve();
  expect(await answer).toBe('late');
});

test.each(['make', 'insist'] as const)(
  'to %s a call is to make it again when the connection broke, and not when it was refused',
  async way => {
    const errors = [away, new Error('No room')];
    const call = calls[way](async () => {
      throw errors.shift();
    });
    await expect(call).rejects.toThrow('The store redis://store refused: No room');
    expect(errors).toEqual([]);
  },
);
