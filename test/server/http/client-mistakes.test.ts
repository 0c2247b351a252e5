import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { limitMistakes, MAX_MISTAKES_PER_MINUTE } from '../../../src/server/http/client-mistakes.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('mistakes beyond the limit are told once a minute, as a number', () => {
  const onError = vi.fn();
  const tell = limitMistakes(onError);
  for (let count = 0; count < 1000; count++) tell(new Error('Bad Request'));
  expect(onError).toHaveBeenCalledTimes(MAX_MISTAKES_PER_MINUTE);
  vi.advanceTimersByTime(60_000);
  expect(onError).toHaveBeenCalledTimes(MAX_MISTAKES_PER_MINUTE + 1);
  expect(onError).toHaveBeenLastCalledWith(new Error('Clients made 980 more mistakes in the last minute'));
  tell(new Error('Not Acceptable'));
  expect(onError).toHaveBeenLastCalledWith(new Error('Not Acceptable'));
});

test('a minute without more than that is not told of', () => {
  const onError = vi.fn();
  const tell = limitMistakes(onError);
  for (let minute = 0; minute < 3; minute++) {
    tell(new Error('Bad Request'));
    vi.advanceTimersByTime(60_000);
  }
  expect(onError).toHaveBeenCalledTimes(3);
  expect(vi.getTimerCount()).toBe(0);
});
