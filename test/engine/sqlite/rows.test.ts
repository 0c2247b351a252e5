import { beforeEach, describe, expect, test } from 'vitest';
import { MEMORY, openDatabase } from '../../../src/engine/sqlite/database.js';
import { TaskTable } from '../../../src/engine/sqlite/task-table.js';
import { failedEnd } from '../../../src/engine/storable-end.js';
import type { Database } from '../../../src/storage/driver.js';
import { newTask } from '../engine-store.js';
import { ManualClock } from '../manual-clock.js';

let clock: ManualClock;
let database: Database;
let table: TaskTable;

beforeEach(() => {
  clock = new ManualClock();
  database = openDatabase(MEMORY);
  table = new TaskTable(database, clock);
});

/** The worker `w` takes the next task. */
const claim = () => table.claim(CLAIM, 1);
const CLAIM = { worker: 'w', operations: ['work'], ownOnly: false };
const runOf = (taskRef: string, runCount = 1) => ({ taskRef, worker: 'w', runCount });
const insert = (overrides = {}) => table.insert(newTask(overrides), 'submitter').record.taskRef;
const count = () => database.prepare('SELECT 1 FROM tasks').all({}).length;
const parametersOf = (taskRef: string) =>
  (
    database.prepare('SELECT parameters FROM tasks WHERE task_ref = :taskRef').all({ taskRef })[0] as {
      parameters: unknown;
    }
  ).parameters;

describe('a row', () => {
  test.each([
    ['completed', (ref: string) => table.end(runOf(ref), { status: 'completed', result: '1', error: null })],
    [
      'failed',
      (ref: string) => table.end(runOf(ref), failedEnd({ code: 'NO', message: 'no', retryable: false })),
    ],
    ['cancelled', (ref: string) => void table.cancel(ref)],
    ['failed', () => table.endLost('other', [])],
    ['failed', (ref: string) => table.stop(runOf(ref))],
  ])('holds its parameters until the task has %s, and then only their digest', (status, end) => {
    const taskRef = insert({ parameters: { secret: 'x' } });
    claim();
    expect(parametersOf(taskRef)).toBe('{"secret":"x"}');
    end(taskRef);
    expect(table.find(taskRef)?.status).toBe(status);
    expect(parametersOf(taskRef)).toBeNull();
    expect(table.find(taskRef)?.parametersDigest).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is not ended by a worker that does not run it', () => {
    const taskRef = insert();
    claim();
    const end = { status: 'completed', result: '1', error: null } as const;
    expect(table.end({ ...runOf(taskRef), worker: 'another' }, end)).toBe(false);
    expect(table.find(taskRef)?.status).toBe('processing');
  });

  test('is not changed by a run that was given up, not even of the same worker', () => {
    const taskRef = insert({ retryAttempts: 1 });
    claim();
    expect(table.stop(runOf(taskRef))).toBeUndefined();
    claim();
    expect([table.isRunning(runOf(taskRef, 1)), table.isRunning(runOf(taskRef, 2))]).toEqual([false, true]);
    table.reportProgress(runOf(taskRef, 1), { progress: 1 });
    expect(table.end(runOf(taskRef, 1), { status: 'completed', result: '1', error: null })).toBe(false);
    expect(table.find(taskRef)).toMatchObject({ status: 'processing', runCount: 2, progress: undefined });
  });

  test('that goes back to the queue keeps its parameters and lives as long as a new one', () => {
    const taskRef = insert({ retryAttempts: 1, ttlMs: 1000, parameters: { secret: 'x' } });
    claim();
    clock.pass(5000);
    table.stop(runOf(taskRef));
    expect(table.find(taskRef)).toMatchObject({ status: 'pending', expiresAt: clock.now() + 1000 });
    expect(claim()).toMatchObject([{ parameters: { secret: 'x' }, record: { runCount: 2 } }]);
    table.stop(runOf(taskRef, 2));
    expect(parametersOf(taskRef)).toBeNull();
  });

  test('of a delayed task is claimed on the millisecond at which it is due', () => {
    const later = insert({ delayMs: 1000 });
    const sooner = insert({ delayMs: 999.5 });
    const atOnce = insert({ delayMs: 0 });
    expect(table.nextDueInMs(CLAIM)).toBe(1000);
    expect([claim(), claim()]).toMatchObject([[{ record: { taskRef: atOnce } }], []]);
    clock.pass(999);
    expect([table.hasWork(CLAIM), table.hasWork(CLAIM, 1)]).toEqual([false, true]);
    expect(claim()).toEqual([]);
    clock.pass(1);
    expect(table.nextDueInMs(CLAIM)).toBeUndefined();
    clock.pass(1);
    const next = insert();
    expect([claim(), claim(), claim()].flat().map(({ record }) => record.taskRef)).toEqual([
      later,
      sooner,
      next,
    ]);
  });

  test('is removed after its expiry, a bounded number at a time, and never while the task runs', () => {
    for (let index = 0; index < 5; index++) insert({ ttlMs: 1000 });
    claim();
    clock.pass(999);
    expect(table.removeExpired(3)).toBe(0);
    clock.pass(1);
    expect([table.removeExpired(3), table.removeExpired(3), table.removeExpired(3)]).toEqual([3, 1, 0]);
    expect(count()).toBe(1);
  });
});

describe('tasks that nobody runs', () => {
  test('are lost when their worker has no row, and of the own worker when it does not run them', () => {
    const [running, forgotten] = [insert(), insert()];
    claim();
    claim();
    table.endLost('w', [running]);
    expect([running, forgotten].map(taskRef => table.find(taskRef)?.status)).toEqual([
      'processing',
      'failed',
    ]);
    const lost = table.endLost('observer', []);
    expect(lost).toEqual([table.find(running)]);
    expect(lost).toMatchObject([{ error: { code: 'WORKER_LOST', retryable: true } }]);
  });

  test('go back to the queue as often as they may be run again, and are lost after that', () => {
    const taskRef = insert({ retryAttempts: 2 });
    for (const runCount of [1, 2]) {
      claim();
      expect(table.endLost('observer', [])).toEqual([]);
      expect(table.find(taskRef)).toMatchObject({ status: 'pending', runCount, startedAt: undefined });
    }
    claim();
    expect(table.endLost('observer', [])).toMatchObject([{ taskRef, status: 'failed', runCount: 3 }]);
  });
});
