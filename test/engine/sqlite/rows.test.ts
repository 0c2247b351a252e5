import type Database from 'libsql';
import { beforeEach, describe, expect, test } from 'vitest';
import { MEMORY, openDatabase } from '../../../src/engine/sqlite/database.js';
import { TaskTable } from '../../../src/engine/sqlite/task-table.js';
import { failedEnd } from '../../../src/engine/storable-end.js';
import { newTask } from '../engine-store.js';
import { ManualClock } from '../manual-clock.js';

let clock: ManualClock;
let database: Database.Database;
let table: TaskTable;

beforeEach(() => {
  clock = new ManualClock();
  database = openDatabase(MEMORY);
  table = new TaskTable(database, clock);
});

/** As if the worker `w` took the oldest task. */
const claim = () =>
  database.exec(`UPDATE tasks SET status = 'processing', worker = 'w'
    WHERE rowid = (SELECT min(rowid) FROM tasks WHERE status = 'pending')`);
const insert = (overrides = {}) => table.insert(newTask(overrides), 'submitter').record.taskRef;
const count = () => database.prepare('SELECT 1 FROM tasks').all().length;
const parametersOf = (taskRef: string) =>
  (
    database.prepare('SELECT parameters FROM tasks WHERE task_ref = ?').all([taskRef])[0] as {
      parameters: unknown;
    }
  ).parameters;

describe('a row', () => {
  test.each([
    ['completed', (ref: string) => table.end(ref, 'w', { status: 'completed', result: '1', error: null })],
    [
      'failed',
      (ref: string) => table.end(ref, 'w', failedEnd({ code: 'NO', message: 'no', retryable: false })),
    ],
    ['cancelled', (ref: string) => void table.cancel(ref)],
    ['failed', () => table.failLost('other', [])],
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
    table.end(taskRef, 'another', { status: 'completed', result: '1', error: null });
    expect(table.find(taskRef)?.status).toBe('processing');
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
    table.failLost('w', [running]);
    expect([running, forgotten].map(taskRef => table.find(taskRef)?.status)).toEqual([
      'processing',
      'failed',
    ]);
    table.failLost('observer', []);
    expect(table.find(running)?.error).toMatchObject({ code: 'WORKER_LOST', retryable: true });
  });
});
