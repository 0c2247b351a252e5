import { getEventListeners } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { LightSignal, laterSignal, linkSignals, onAbort, untilAborted } from '../../src/time/signals.js';

const listenerCount = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

test('a linked signal aborts with the reason of the first source that aborts', () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const { signal } = linkSignals(first.signal, undefined, second.signal);
  second.abort('second');
  first.abort('first');
  expect(signal.reason).toBe('second');
});

test('a linked signal is aborted from the start when a source is', () => {
  const source = new AbortController();
  const linked = linkSignals(source.signal, AbortSignal.abort('before'));
  expect(linked.signal.reason).toBe('before');
  linked[Symbol.dispose]();
  expect(listenerCount(source.signal)).toBe(0);
});

test('a disposed link leaves no listener and no longer aborts', () => {
  const source = new AbortController();
  const linked = linkSignals(source.signal);
  expect(listenerCount(source.signal)).toBe(1);
  linked[Symbol.dispose]();
  expect(listenerCount(source.signal)).toBe(0);
  source.abort();
  expect(linked.signal.aborted).toBe(false);
});

test('a promise that settles first decides, and leaves no listener', async () => {
  const { signal } = new AbortController();
  await expect(untilAborted(Promise.resolve('value'), signal)).resolves.toBe('value');
  await expect(untilAborted(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
  expect(listenerCount(signal)).toBe(0);
});

test('an abort decides over a promise that is still pending, and leaves no listener', async () => {
  const controller = new AbortController();
  const waiting = untilAborted(new Promise(() => {}), controller.signal);
  controller.abort('enough');
  await expect(waiting).rejects.toBe('enough');
  expect(listenerCount(controller.signal)).toBe(0);
});

test('a signal that has aborted already decides over everything, and leaves no listener', async () => {
  const signal = AbortSignal.abort('before');
  await expect(untilAborted(Promise.resolve('value'), signal)).rejects.toBe('before');
  await expect(untilAborted(new Promise(() => {}), signal)).rejects.toBe('before');
  expect(listenerCount(signal)).toBe(0);
});

test('a promise that fails after the abort is no unhandled rejection', async () => {
  let fail: (error: Error) => void = () => {};
  const late = new Promise<never>((_, reject) => {
    fail = reject;
  });
  await expect(untilAborted(late, AbortSignal.abort('before'))).rejects.toBe('before');
  fail(new Error('late'));
  // vitest fails the run on an unhandled rejection.
  await new Promise(resolve => setImmediate(resolve));
});

describe('callbacks of one signal', () => {
  test('share one listener, which goes with the last of them', () => {
    const { signal } = new AbortController();
    const takeBack = Array.from({ length: 100 }, () => onAbort(signal, () => {}));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for (const each of takeBack) each();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('are called once, but not those that were taken back', () => {
    const controller = new AbortController();
    const [one, other, late] = [vi.fn(), vi.fn(), vi.fn()];
    onAbort(controller.signal, one);
    onAbort(controller.signal, other)();
    controller.abort();
    onAbort(controller.signal, late);
    expect([one, other, late].map(({ mock }) => mock.calls.length)).toEqual([1, 0, 1]);
  });

  test('are gathered anew after the last one left', () => {
    const controller = new AbortController();
    onAbort(controller.signal, () => {})();
    const called = vi.fn();
    onAbort(controller.signal, called);
    controller.abort();
    expect(called).toHaveBeenCalledOnce();
  });
});

test('a later signal aborts some time after its source, with its reason, and leaves nothing behind', async () => {
  vi.useFakeTimers();
  const source = new AbortController();
  using later = laterSignal(source.signal, 1000);
  source.abort('enough');
  await vi.advanceTimersByTimeAsync(999);
  expect(later.signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(later.signal.reason).toBe('enough');
  for (const given of [AbortSignal.abort('before'), new AbortController().signal]) {
    const disposed = laterSignal(given, 1000);
    disposed[Symbol.dispose]();
    expect([listenerCount(given), vi.getTimerCount()]).toEqual([0, 0]);
  }
  vi.useRealTimers();
});

describe('a light signal', () => {
  test('aborts once, with its reason, and tells each listener once', () => {
    const signal = new LightSignal();
    const [listener, other] = [vi.fn(), { handleEvent: vi.fn() }];
    for (const each of [listener, listener, other]) signal.addEventListener('abort', each);
    expect(() => signal.throwIfAborted()).not.toThrow();
    signal.abort('first');
    signal.abort('second');
    expect(signal).toMatchObject({ aborted: true, reason: 'first' });
    expect(() => signal.throwIfAborted()).toThrow('first');
    expect([listener, other.handleEvent].map(each => each.mock.calls.length)).toEqual([1, 1]);
  });

  test('tells nobody who has left, or who comes too late', () => {
    const signal = new LightSignal();
    const listener = vi.fn();
    signal.addEventListener('abort', listener);
    signal.removeEventListener('abort', listener);
    signal.abort('over');
    signal.addEventListener('abort', listener);
    expect(listener).not.toHaveBeenCalled();
  });

  test('is a source of signals of Node, and of everything here that listens', async () => {
    const source = new LightSignal();
    const linked = linkSignals(undefined, source);
    const callback = vi.fn();
    onAbort(source, callback);
    const pending = untilAborted(new Promise(() => {}), source);
    source.abort('over');
    await expect(pending).rejects.toBe('over');
    expect(linked.signal).toBeInstanceOf(AbortSignal);
    expect(linked.signal.reason).toBe('over');
    expect(callback).toHaveBeenCalledOnce();
  });
});
