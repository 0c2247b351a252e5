import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { OperationStats } from '../../../src/engine/operation-stats.js';
import { createLog, type LogEntry } from '../../../src/server/observability/log.js';
import { StoreWatch } from '../../../src/server/observability/store-watch.js';
import { statsOf } from './stats-of.js';

const FAILING = [statsOf('bake', { recent: { completed: 5, failed: 5 } })];
const WELL = [statsOf('bake', { recent: { completed: 100 } })];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function watchOf(stats: () => Promise<readonly OperationStats[]>) {
  const entries: LogEntry[] = [];
  const read = vi.fn(stats);
  const watch = new StoreWatch({
    engine: { stats: read },
    rules: { failureRate: 0.05, meanOverSla: 1, minTasks: 10 },
    slaMs: () => 10_000,
    windowMs: 300_000,
    intervalMs: 30_000,
    log: createLog('info', entry => entries.push(entry)),
  });
  return { watch, read, entries };
}

describe('looking', () => {
  test('asks the store once for many that look at once, and again only after five seconds', async () => {
    const { watch, read } = watchOf(async () => WELL);
    await Promise.all([watch.look(), watch.look(), watch.look()]);
    await vi.advanceTimersByTimeAsync(4900);
    expect((await watch.look()).stats).toBe(WELL);
    expect(read).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(100);
    await watch.look();
    expect(read).toHaveBeenCalledTimes(2);
    expect(read).toHaveBeenCalledWith(300_000);
  });

  test('goes on by itself until it is stopped', async () => {
    const { watch, read } = watchOf(async () => WELL);
    watch.start();
    await vi.advanceTimersByTimeAsync(95_000);
    expect(read).toHaveBeenCalledTimes(3);
    watch.stop();
    await vi.advanceTimersByTimeAsync(95_000);
    expect(read).toHaveBeenCalledTimes(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('waits no longer than five seconds for a store that hangs, and does not ask it twice', async () => {
    let answer: (stats: readonly OperationStats[]) => void = () => {};
    const { watch, read, entries } = watchOf(() => new Promise(resolve => (answer = resolve)));
    for (let looks = 0; looks < 3; looks++) {
      const view = watch.look();
      await vi.advanceTimersByTimeAsync(5000);
      expect(await view).toEqual({ stats: undefined, alerts: [] });
      await vi.advanceTimersByTimeAsync(5000);
    }
    expect(read).toHaveBeenCalledTimes(1);
    expect(entries).toEqual([{ level: 'error', message: 'The store does not answer', fields: {} }]);
    answer(WELL);
    await vi.advanceTimersByTimeAsync(0);
    const fresh = watch.look();
    await vi.advanceTimersByTimeAsync(0);
    answer(WELL);
    expect((await fresh).stats).toBe(WELL);
    expect(entries.at(-1)).toMatchObject({ level: 'info', message: 'The store answers again' });
  });
});

describe('telling', () => {
  test('says once that an alert begins and once that it is over', async () => {
    let stats = FAILING;
    const { watch, entries } = watchOf(async () => stats);
    watch.start();
    await vi.advanceTimersByTimeAsync(95_000);
    stats = WELL;
    await vi.advanceTimersByTimeAsync(60_000);
    watch.stop();
    expect(entries).toEqual([
      {
        level: 'warn',
        message: 'Too many tasks of an operation fail',
        fields: { operation: 'bake', alert: 'failure_rate', value: '50%', limit: '5%', window: '5 m' },
      },
      { level: 'info', message: 'An alert is over', fields: { operation: 'bake', alert: 'failure_rate' } },
    ]);
  });

  test('keeps an alert while the store is down, and names neither the store nor its error', async () => {
    let fails = false;
    const { watch, entries } = watchOf(async () => {
      if (fails) throw new Error('postgres://user:secret@host refused');
      return FAILING;
    });
    await watch.look();
    fails = true;
    await vi.advanceTimersByTimeAsync(5000);
    const down = await watch.look();
    expect(down.stats).toBeUndefined();
    expect(down.alerts.some(state => state.active)).toBe(true);
    fails = false;
    await vi.advanceTimersByTimeAsync(5000);
    await watch.look();
    expect(entries.map(({ message }) => message)).toEqual([
      'Too many tasks of an operation fail',
      'The store does not answer',
      'The store answers again',
    ]);
    expect(JSON.stringify(entries)).not.toContain('secret');
  });
});
