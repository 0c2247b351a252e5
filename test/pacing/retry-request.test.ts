import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type RetryOptions, retryRequest } from '../../src/pacing/retry-request.js';

class Transient extends Error {}

let controller: AbortController;
let onFailure: ReturnType<typeof vi.fn<RetryOptions['onFailure']>>;

beforeEach(() => {
  vi.useFakeTimers();
  controller = new AbortController();
  onFailure = vi.fn();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  vi.useRealTimers();
});

function retry<Answer>(send: () => Promise<Answer>, retries = 5): Promise<Answer> {
  return retryRequest(send, {
    retries,
    signal: controller.signal,
    isTransient: error => error instanceof Transient,
    onFailure,
  });
}

/** Fails `failures` times, then answers. */
function failing(failures: readonly unknown[]) {
  const left = [...failures];
  return vi.fn(async () => {
    if (left.length > 0) throw left.shift();
    return 'answer';
  });
}

test('an answer is handed on at once', async () => {
  const send = failing([]);
  await expect(retry(send)).resolves.toBe('answer');
  expect(send).toHaveBeenCalledOnce();
  expect(onFailure).not.toHaveBeenCalled();
});

test('a transient failure is repeated after a pause, and told with what is left of the budget', async () => {
  const failure = new Transient('lost');
  const send = failing([failure, failure]);
  const answer = retry(send);
  await vi.advanceTimersByTimeAsync(0);
  expect(send).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(20_000);
  await expect(answer).resolves.toBe('answer');
  expect(onFailure.mock.calls).toEqual([
    [failure, 5],
    [failure, 4],
  ]);
});

test('the pauses grow from half a second and never exceed ten seconds', async () => {
  const sentAt: number[] = [];
  const answer = retry(async () => {
    sentAt.push(performance.now());
    throw new Transient('lost');
  }, 8);
  answer.catch(() => {});
  await vi.advanceTimersByTimeAsync(120_000);
  await expect(answer).rejects.toThrow('lost');
  const pauses = sentAt.slice(1).map((at, index) => at - (sentAt[index] ?? 0));
  expect(pauses).toHaveLength(8);
  for (const [index, pause] of pauses.entries()) {
    expect(pause).toBeGreaterThanOrEqual(Math.min(500 * 2 ** index, 10_000));
    expect(pause).toBeLessThanOrEqual(Math.min(1000 * 2 ** index, 10_000) + 1);
  }
});

test('a spent budget ends with the last error itself', async () => {
  const last = new Transient('third');
  const send = failing([new Transient('first'), new Transient('second'), last]);
  const answer = retry(send, 2);
  answer.catch(() => {});
  await vi.advanceTimersByTimeAsync(60_000);
  await expect(answer).rejects.toBe(last);
  expect(send).toHaveBeenCalledTimes(3);
});

test('a budget of 0 sends once', async () => {
  const failure = new Transient('lost');
  const send = failing([failure]);
  await expect(retry(send, 0)).rejects.toBe(failure);
  expect(send).toHaveBeenCalledOnce();
});

test.each([
  ['an error', new Error('refused')],
  ['a TypeError', new TypeError('no such tool')],
  ['a text', 'refused'],
])('%s that lasts is thrown at once as it is', async (_name, failure) => {
  const send = failing([failure]);
  await expect(retry(send)).rejects.toBe(failure);
  expect(send).toHaveBeenCalledOnce();
});

test('what is transient is for the caller to say, also of a TypeError', async () => {
  const send = failing([new TypeError('anything')]);
  const answer = retryRequest(send, {
    retries: 1,
    signal: controller.signal,
    isTransient: () => true,
    onFailure,
  });
  await vi.advanceTimersByTimeAsync(2000);
  await expect(answer).resolves.toBe('answer');
});

test("an abort during a pause ends it at once with the signal's reason", async () => {
  const send = failing([new Transient('lost')]);
  const answer = retry(send);
  await vi.advanceTimersByTimeAsync(100);
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(answer).rejects.toBe(reason);
  expect(send).toHaveBeenCalledOnce();
});

test('nothing is sent under a signal that has aborted', async () => {
  controller.abort('before');
  const send = failing([]);
  await expect(retry(send)).rejects.toBe('before');
  expect(send).not.toHaveBeenCalled();
});

test('a pause is never shorter than the server asked for, and never longer than five minutes for its sake', async () => {
  const sentAt: number[] = [];
  const wishes = [30_000, 3_600_000, undefined];
  const answer = retryRequest(
    async () => {
      sentAt.push(performance.now());
      if (sentAt.length < 4) throw new Transient('slow down');
    },
    {
      retries: 5,
      signal: controller.signal,
      isTransient: () => true,
      onFailure,
      retryAfterMs: () => wishes.shift(),
    },
  );
  await vi.advanceTimersByTimeAsync(600_000);
  await answer;
  const pauses = sentAt.slice(1).map((at, index) => at - (sentAt[index] ?? 0));
  expect(pauses[0]).toBeGreaterThanOrEqual(30_000);
  expect(pauses[0]).toBeLessThan(32_000);
  expect(pauses[1]).toBeGreaterThanOrEqual(300_000);
  expect(pauses[1]).toBeLessThan(303_000);
  expect(pauses[2]).toBeLessThan(5000);
});

test('a pause that the server asked for ends with the signal', async () => {
  const answer = retryRequest(failing([new Transient('slow down')]), {
    retries: 5,
    signal: controller.signal,
    isTransient: () => true,
    onFailure,
    retryAfterMs: () => 60_000,
  });
  answer.catch(() => {});
  await vi.advanceTimersByTimeAsync(1000);
  controller.abort(new Error('enough'));
  await expect(answer).rejects.toThrow('enough');
});
