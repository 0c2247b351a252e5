import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { durations, progressShapes, simulateProgress } from '../../bench/progress-simulation.js';
import { defaultWaitOptions } from '../../src/client/options.js';
import { DurationMemory } from '../../src/pacing/duration-memory.js';
import { backoffTime, type Pacing } from '../../src/pacing/next-delay.js';
import { LearningPacer } from '../../src/pacing/pacer.js';
import {
  followProgress,
  fractionOf,
  type ProgressTrack,
  remainingMs,
} from '../../src/pacing/progress-forecast.js';

const steady: Pacing = { ...defaultWaitOptions, jitter: 0 };

function pacerAt(clock: { elapsedMs: number }) {
  const now = () => clock.elapsedMs;
  const memory = new DurationMemory();
  return new LearningPacer({ memory, key: '', pacing: steady, ageMs: 0, fromStart: true, clock: { now } });
}

/** When requests go out for a task that tells `told` of its duration, and how many. */
function requestTimes(
  durationMs: number,
  told: (elapsedMs: number) => number | undefined,
): readonly number[] {
  const clock = { elapsedMs: 0 };
  const pacer = pacerAt(clock);
  const times: number[] = [];
  while (clock.elapsedMs < durationMs) {
    clock.elapsedMs += pacer.next(times.length).delayMs;
    times.push(clock.elapsedMs);
    const progress = told(clock.elapsedMs);
    pacer.answered('running', clock.elapsedMs, progress === undefined ? undefined : { progress, total: 1 });
  }
  return times;
}

test.each([
  [{ progress: 3, total: 12 }, 0.25],
  [{ progress: 12, total: 10 }, 1],
  [{ progress: 3 }, undefined],
  [{ progress: 3, total: 0 }, undefined],
  [{ progress: -1, total: 10 }, undefined],
  [{ progress: Number.NaN, total: 10 }, undefined],
])('progress %j is the fraction %j', (progress, fraction) => {
  expect(fractionOf(progress)).toBe(fraction);
});

describe('a forecast', () => {
  const track = (...points: readonly (readonly [elapsedMs: number, fraction: number])[]) =>
    points.reduce<ProgressTrack | undefined>(
      (known, [elapsedMs, fraction]) => followProgress(known, { elapsedMs, fraction }),
      undefined,
    ) as ProgressTrack;

  test('takes the speed since the start', () => {
    expect(remainingMs(track([1000, 0.25]), 1000)).toBe(3000);
    expect(remainingMs(track([1000, 0.25]), 2000)).toBe(2000);
  });
  test('leaves time in a queue out', () => {
    expect(remainingMs(track([1000, 0], [3000, 0], [7000, 0.5]), 7000)).toBe(4000);
  });
  test('knows nothing of a task that has not moved', () => {
    expect(remainingMs(track([1000, 0], [3000, 0]), 3000)).toBeUndefined();
  });
  test('begins again when progress goes back', () => {
    expect(remainingMs(track([1000, 0.9], [3000, 0.1], [7000, 0.5]), 7000)).toBe(5000);
    expect(remainingMs(track([1000, 0.9], [3000, 0.1]), 3000)).toBeUndefined();
  });
  test('follows a task that becomes slower, even if it hardly moves', () => {
    const slower = (done: number): readonly [number, number] => [10_000 * done, done ** 0.6];
    expect(remainingMs(track(slower(0.1), slower(0.3), slower(0.7)), 7000)).toBeCloseTo(3000);
    expect(remainingMs(track([1000, 0.8], [2000, 0.9]), 2000)).toBeCloseTo(469, 0);
  });
  test('takes a task that becomes faster as even', () => {
    expect(remainingMs(track([1000, 0.1], [2000, 0.5]), 2000)).toBe(2000);
  });
  test('is zero, not less, once all is done', () => {
    expect(remainingMs(track([1000, 1]), 5000)).toBe(0);
  });
});

test.each([
  [4000, [1000, 2650, 4000]],
  [8000, [1000, 3000, 7000, 8000]],
  [20_000, [1000, 3000, 7000, 15_000, 20_000]],
])('a task of %i ms that tells its progress is asked when it ends', (durationMs, times) => {
  expect(requestTimes(durationMs, elapsedMs => elapsedMs / durationMs)).toEqual(times);
});

test('a task that stands shortly before its end is asked at growing intervals', () => {
  expect(requestTimes(14_000, elapsedMs => Math.min(0.99, elapsedMs / 8000)).map(Math.round)).toEqual([
    1000, 3000, 7000, 8000, 8800, 10_120, 12_397, 16_581,
  ]);
});

test('a task without progress, or with one that has no total, is asked as by backoff', () => {
  expect(requestTimes(60_000, () => undefined)).toEqual([1000, 3000, 7000, 15_000, 31_000, 61_000]);
});

test('a hint of the server is left alone', () => {
  const clock = { elapsedMs: 1000 };
  const pacer = pacerAt(clock);
  pacer.answered('running', 1000, { progress: 99, total: 100 });
  expect(pacer.next(1, { hintMs: 5000 }).delayMs).toBeGreaterThanOrEqual(5000);
  expect(pacer.next(1).delayMs).toBeLessThan(1000);
});

test('whatever a task tells, it never gets nine requests more than backoff sends', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1, max: 2 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 500, max: 3_600_000 }),
      (told, durationMs) => {
        let index = 0;
        const times = requestTimes(durationMs, () => told[index++ % told.length]);
        expect(times.length).toBeGreaterThan(0);
        times.forEach((timeMs, count) => {
          expect(timeMs).toBeGreaterThanOrEqual(
            Math.min(backoffTime(count + 1 - 8, steady), durationMs) - 1e-6,
          );
        });
      },
    ),
  );
});

describe.each(Object.entries(durations) as [string, [number, number]][])('tasks of %s', (_, bounds) => {
  test.each(progressShapes)('that tell their progress, %s, are noticed sooner than by backoff', shape => {
    const { backoff, forecast } = simulateProgress(shape, bounds, 200);
    expect(forecast?.lateMs).toBeLessThanOrEqual(backoff?.lateMs ?? 0);
    expect(forecast?.requests).toBeLessThanOrEqual((backoff?.requests ?? 0) + 2);
  });
});
