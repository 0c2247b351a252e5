import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Phase, readinessCheck } from '../../../src/server/observability/readiness.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function checkOf(find: () => Promise<undefined>, phase: () => Phase = () => 'serving') {
  const asked = vi.fn(find);
  return { asked, check: readinessCheck({ engine: { find: asked }, phase }) };
}

describe('a process is', () => {
  test('ready while it serves and the store answers', async () => {
    expect(await checkOf(async () => undefined).check()).toEqual({ ready: true });
  });

  test.each<Phase>(['starting', 'closing'])(
    'not ready while it is %s, and the store is not asked',
    async phase => {
      const { check, asked } = checkOf(
        async () => undefined,
        () => phase,
      );
      expect(await check()).toEqual({ ready: false, reason: phase });
      expect(asked).not.toHaveBeenCalled();
    },
  );

  test('not ready when the store refuses', async () => {
    const { check } = checkOf(() => Promise.reject(new Error('down')));
    expect(await check()).toEqual({ ready: false, reason: 'store_unavailable' });
  });

  test('not ready when the store does not answer within two seconds', async () => {
    const { check } = checkOf(() => new Promise(() => {}));
    const answer = check();
    await vi.advanceTimersByTimeAsync(2000);
    expect(await answer).toEqual({ ready: false, reason: 'store_unavailable' });
  });

  test('closing when it begins to close while the store is asked', async () => {
    let phase: Phase = 'serving';
    let answer: (value: undefined) => void = () => {};
    const { check } = checkOf(
      () =>
        new Promise(resolve => {
          answer = resolve;
        }),
      () => phase,
    );
    const readiness = check();
    phase = 'closing';
    answer(undefined);
    expect(await readiness).toEqual({ ready: false, reason: 'closing' });
  });
});

test('many probes ask the store once in a second', async () => {
  const { check, asked } = checkOf(async () => undefined);
  await Promise.all([check(), check(), check()]);
  await check();
  expect(asked).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1000);
  await check();
  expect(asked).toHaveBeenCalledTimes(2);
});
