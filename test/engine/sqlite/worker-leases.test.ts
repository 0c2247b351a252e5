import { beforeEach, describe, expect, test } from 'vitest';
import { MEMORY, openDatabase } from '../../../src/engine/sqlite/database.js';
import { clockJumpMs, leaseTimes, WorkerLeases } from '../../../src/engine/sqlite/worker-leases.js';
import type { Database } from '../../../src/storage/driver.js';
import { ManualClock } from '../manual-clock.js';

const LEASE_MS = 30_000;
const HOUR_MS = 3_600_000;
const times = leaseTimes(LEASE_MS);

let clock: ManualClock;
let database: Database;
let worker: WorkerLeases;
let observer: WorkerLeases;

beforeEach(() => {
  clock = new ManualClock();
  database = openDatabase(MEMORY);
  worker = new WorkerLeases(database, clock, times);
  observer = new WorkerLeases(database, clock, times);
  worker.renew('w', true);
});

const isThere = () => database.prepare('SELECT 1 FROM workers').all({}).length === 1;

/** One process beats for `durationMs`; the other too if it lives. */
function beatFor(durationMs: number, { workerLives }: { workerLives: boolean }): void {
  for (let passed = 0; passed < durationMs; passed += times.beatMs) {
    clock.pass(times.beatMs);
    observer.removeGone();
    if (workerLives) worker.renew('w', true);
  }
}

describe('lease times', () => {
  test.each([1, 10, 500, 30_000, 86_400_000])('of %i ms notice a dead worker within the lease', leaseMs => {
    const { beatMs, lapseMs, graceMs } = leaseTimes(leaseMs);
    expect(lapseMs + graceMs + 2 * beatMs).toBeLessThanOrEqual(Math.max(leaseMs, 4));
    expect(graceMs).toBeGreaterThanOrEqual(beatMs);
    expect(lapseMs).toBeGreaterThanOrEqual(beatMs);
  });
});

describe('a jump of the clock', () => {
  test.each([
    ['none while time passes', { wall: 5000, monotonic: 5000 }, 0],
    ['an hour forward', { wall: HOUR_MS + 10, monotonic: 10 }, HOUR_MS],
    ['an hour back', { wall: 10 - HOUR_MS, monotonic: 10 }, -HOUR_MS],
  ])('is what the wall clock moved beyond the time that passed: %s', (_name, later, expected) => {
    expect(clockJumpMs({ wall: 0, monotonic: 0 }, later)).toBe(expected);
  });
});

describe('a worker', () => {
  test('that renews its lease stays, however long', () => {
    beatFor(10 * LEASE_MS, { workerLives: true });
    expect(isThere()).toBe(true);
  });

  test('that falls silent is gone within the lease, and not before half of it', () => {
    beatFor(LEASE_MS / 2, { workerLives: false });
    expect(isThere()).toBe(true);
    beatFor(LEASE_MS / 2, { workerLives: false });
    expect(isThere()).toBe(false);
  });

  test.each([
    ['forward by hours', 5 * HOUR_MS],
    ['back by hours', -5 * HOUR_MS],
    ['forward by a year', 365 * 24 * HOUR_MS],
    ['forward by the lease', LEASE_MS],
  ])('that lives survives a clock that jumps %s', (_name, jumpMs) => {
    clock.jump(jumpMs);
    observer.removeGone();
    expect(isThere()).toBe(true);
    beatFor(3 * LEASE_MS, { workerLives: true });
    expect(isThere()).toBe(true);
  });

  test.each([
    ['forward', 5 * HOUR_MS],
    ['back', -5 * HOUR_MS],
  ])('that is dead is found out within a lease although the clock jumped %s', (_name, jumpMs) => {
    clock.jump(jumpMs);
    beatFor(LEASE_MS + times.beatMs, { workerLives: false });
    expect(isThere()).toBe(false);
  });

  test('that was suspected is forgiven when the machine has slept since', () => {
    clock.pass(times.lapseMs);
    observer.removeGone();
    clock.jump(8 * HOUR_MS);
    observer.removeGone();
    expect(isThere()).toBe(true);
    worker.renew('w', true);
    beatFor(LEASE_MS, { workerLives: true });
    expect(isThere()).toBe(true);
  });

  test('that was suspected is forgiven when it renews', () => {
    clock.pass(times.lapseMs);
    observer.removeGone();
    worker.renew('w', true);
    clock.pass(times.lapseMs);
    observer.removeGone();
    expect(isThere()).toBe(true);
  });

  test('is not given up at first sight by a process that has just started', () => {
    clock.jump(HOUR_MS);
    new WorkerLeases(database, clock, times).removeGone();
    expect(isThere()).toBe(true);
  });

  test('is given up by the second of two short-lived processes, though neither saw it lapse', () => {
    clock.pass(HOUR_MS);
    new WorkerLeases(database, clock, times).removeGone();
    clock.pass(times.graceMs);
    new WorkerLeases(database, clock, times).removeGone();
    expect(isThere()).toBe(false);
  });

  test('knows when its own lease has lapsed', () => {
    expect(worker.hasLapsed).toBe(false);
    clock.pass(times.lapseMs);
    expect(worker.hasLapsed).toBe(true);
    expect(observer.hasLapsed).toBe(true);
  });
});
