import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ProgressWriter } from '../../src/engine/active-run.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('progress', () => {
  test('is written at once, then at most ten times a second, and never an old value', () => {
    const written: number[] = [];
    const writer = new ProgressWriter(({ progress }) => written.push(progress));
    for (let done = 0; done < 1000; done++) {
      writer.report({ progress: done });
      vi.advanceTimersByTime(1);
    }
    expect(written[0]).toBe(0);
    expect(written.length).toBeLessThanOrEqual(11);
    expect(written).toEqual([...written].sort((a, b) => a - b));
    vi.advanceTimersByTime(100);
    expect(written.at(-1)).toBe(999);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that is stopped writes nothing more, and hands over what was not yet written', () => {
    const written: number[] = [];
    const writer = new ProgressWriter(({ progress }) => written.push(progress));
    writer.report({ progress: 1 });
    writer.report({ progress: 2 });
    expect(writer.stop()).toEqual({ progress: 2 });
    writer.report({ progress: 3 });
    vi.advanceTimersByTime(1000);
    expect(written).toEqual([1]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
