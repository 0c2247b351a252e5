import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openSqliteEngine } from '../../../src/engine/sqlite/sqlite-engine.js';
import { completed, HeldWork, newTask, until } from '../engine-store.js';
import { ManualClock } from '../manual-clock.js';
import { createFolder } from './sqlite-store.js';

const HOUR_MS = 3_600_000;
const LEASE_MS = 30_000;

let folder: string;
let clock: ManualClock;

beforeEach(async () => {
  folder = await createFolder();
  clock = new ManualClock();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

function pass(durationMs: number): void {
  for (let passed = 0; passed < durationMs; passed += 500) {
    clock.pass(500);
    vi.advanceTimersByTime(500);
  }
}

test.each([
  ['forward by hours', 48 * HOUR_MS],
  ['back by hours', -48 * HOUR_MS],
])('A task that runs is not lost when the clock jumps %s, beyond its lifetime too', async (_name, jumpMs) => {
  const file = join(folder, 'tasks.db');
  const [worker, observer] = [openSqliteEngine(file, { clock }), openSqliteEngine(file, { clock })];
  const work = new HeldWork();
  worker.startWorker({ execute: work.execute, operations: ['work'], concurrency: 1 });
  const { taskRef } = (await worker.submit(newTask({ ttlMs: 24 * HOUR_MS }))).record;
  await work.startedCount(1);
  pass(LEASE_MS);
  clock.jump(jumpMs);
  pass(2 * LEASE_MS);
  expect(await observer.find(taskRef)).toMatchObject({ status: 'processing' });
  work.end(taskRef, completed('done'));
  await until(async () => (await observer.find(taskRef))?.status === 'completed');
  await observer.close();
  await worker.close();
});
