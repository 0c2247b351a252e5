import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import type { TaskRecord } from '../../src/engine/task-record.js';
import { createLook, pollAfterMs } from '../../src/server/poll-hint.js';

const SECOND = 1000;
const HOUR = 3_600_000;
const record = (fields: Partial<TaskRecord> = {}) =>
  ({
    taskRef: 't',
    status: 'pending',
    createdAt: 0,
    updatedAt: 0,
    slaMs: HOUR,
    waitedMs: 0,
    ...fields,
  }) as TaskRecord;

describe('without any knowledge', () => {
  test.each([
    [0, 1000],
    [-5000, 1000],
    [999, 1000],
    [1000.4, 1000],
    [2500, 2500],
    [29_999.6, 30_000],
    [30_001, 30_000],
    [86_400_000, 30_000],
  ])('a task of %d ms is to be asked for again after %d ms', (ageMs, expected) => {
    expect(pollAfterMs(record(), ageMs)).toBe(expected);
  });

  test('whoever follows the hint asks at doubling ages, then every 30 s', () => {
    const ages = [0];
    for (let polls = 0; polls < 8; polls++) {
      const age = ages.at(-1) ?? 0;
      ages.push(age + pollAfterMs(record(), age));
    }
    expect(ages).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 32_000, 62_000, 92_000]);
  });

  test.each([
    [5 * SECOND, 1000],
    [40 * SECOND, 4000],
    [HOUR, 10_000],
  ])('where the next request is held, a task of %d ms is to be asked for after %d ms', (ageMs, expected) => {
    expect(pollAfterMs(record(), ageMs, true)).toBe(expected);
  });
});

describe('a task that runs', () => {
  const at = (fraction: number, updatedAt: number) =>
    record({
      status: 'processing',
      startedAt: 10 * SECOND,
      updatedAt,
      progress: { progress: fraction * 50, total: 50 },
    });

  it.each([
    ['half done after 10 s: in 10 s', at(0.5, 20 * SECOND), 20 * SECOND, 10 * SECOND],
    ['near its end: in no less than 1 s', at(0.99, 109 * SECOND), 109 * SECOND, 1000],
    ['over its forecast: after as long as it has been over', at(0.5, 20 * SECOND), 35 * SECOND, 5 * SECOND],
    ['with nothing done yet: as without progress', at(0, 20 * SECOND), 20 * SECOND, 20 * SECOND],
    ['without a total: as without progress', record({ startedAt: 0, progress: { progress: 3 } }), 8000, 8000],
    ['close to its SLA: at its end', record({ startedAt: 0, slaMs: 25_000 }), 20_000, 5000],
    [
      'that has waited for answers: later by that',
      record({ startedAt: 0, slaMs: 25_000, waitedMs: 2000 }),
      20_000,
      7000,
    ],
    ['over its SLA: soon', record({ startedAt: 0, slaMs: 25_000 }), 30_000, 1000],
  ])('%s', (_what, task, now, expected) => {
    expect(pollAfterMs(task, now)).toBe(expected);
  });
});

describe('a caller that only looks', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A service whose waits take their time, and find the task as `later` says. */
  function looks(
    now: Partial<TaskRecord>,
    later: Partial<TaskRecord> = now,
    heldMs = Number.POSITIVE_INFINITY,
  ) {
    const waits: number[] = [];
    let isLater = false;
    const look = createLook(async (_owner, _taskRef, { waitMs }) => {
      waits.push(waitMs);
      if (waitMs > 0) {
        vi.advanceTimersByTime(Math.min(waitMs, heldMs));
        isLater = true;
      }
      return record(isLater ? later : now);
    });
    return { waits, look: () => look('owner', 't', new AbortController().signal) };
  }

  it('is answered at once at first, then held', async () => {
    const { waits, look } = looks({}, { status: 'completed' });
    expect((await look()).record.status).toBe('pending');
    expect(waits).toEqual([0]);
    expect((await look()).record.status).toBe('completed');
    expect(waits).toEqual([0, 0, 20 * SECOND]);
  });

  it('is answered at once about a question that it has not seen', async () => {
    const now: { inputRequests?: TaskRecord['inputRequests'] } = {};
    const { waits, look } = looks(now);
    await look();
    now.inputRequests = { q: {} as never };
    expect((await look()).record.inputRequests).toBeDefined();
    expect(waits).toEqual([0, 0]);
    await look();
    expect(waits).toEqual([0, 0, 0, 20 * SECOND]);
  });

  it('is told to take its time where it cannot be held', async () => {
    const createdAt = Date.now() - 15 * SECOND;
    const held = looks({ createdAt });
    await held.look();
    expect((await held.look()).pollAfterMs).toBeLessThan(4 * SECOND);
    const refused = looks({ createdAt }, { createdAt }, 0);
    await refused.look();
    expect((await refused.look()).pollAfterMs).toBeGreaterThanOrEqual(15 * SECOND);
  });
});
