import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/engine/clock.js';
import { MEMORY, openDatabase } from '../../../src/engine/sqlite/database.js';
import { GroupCommit } from '../../../src/engine/sqlite/group-commit.js';
import { SqliteWorkerStore } from '../../../src/engine/sqlite/sqlite-worker-store.js';
import type { Run } from '../../../src/engine/sqlite/task-statements.js';
import { TaskTable } from '../../../src/engine/sqlite/task-table.js';
import { leaseTimes, WorkerLeases } from '../../../src/engine/sqlite/worker-leases.js';
import { TaskWaits } from '../../../src/engine/task-waits.js';
import { TaskWorker } from '../../../src/engine/task-worker.js';
import type { Database } from '../../../src/storage/driver.js';
import { prepareQuery } from '../../../src/storage/statement.js';
import { ManualExecute, newTask } from '../scripted.js';

const LARGE = 'x'.repeat(100_000);

let database: Database;
let table: TaskTable;
let manual: ManualExecute;
let store: SqliteWorkerStore;
let worker: TaskWorker<Run>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  database = openDatabase(MEMORY);
  table = new TaskTable(database, systemClock);
  manual = new ManualExecute();
  const commits = new GroupCommit(database);
  store = new SqliteWorkerStore({
    table,
    commits,
    leases: new WorkerLeases(database, systemClock, leaseTimes(30_000)),
    instance: 'w',
    beatMs: 3000,
    onInvalid: () => {},
    onProgress: () => {},
  });
  worker = new TaskWorker(
    {
      store,
      maxResultBytes: 1_000_000,
      answerWaits: new TaskWaits(),
      onTurn: () => {},
      onReleased: () => {},
      onLost: () => {},
      onNotice: () => {},
    },
    manual.worker(),
  );
});

afterEach(async () => {
  await Promise.all([worker.drain(0), vi.advanceTimersByTimeAsync(1)]);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  database.close();
});

const turn = () => new Promise(setImmediate);

async function runOne() {
  table.insert(newTask({ taskRef: 'task' }), 'w');
  store.ring();
  await turn();
  await turn();
  const [started] = manual.started;
  if (started === undefined) throw new Error('The task was not started');
  return started;
}

function fillDisk(): void {
  const pages = prepareQuery<{ page_count: number }>(database, 'PRAGMA page_count')({})?.page_count ?? 0;
  database.exec(`PRAGMA max_page_count = ${pages}`);
}

test('A result that finds the disk full is stored once there is room', async () => {
  const started = await runOne();
  fillDisk();
  started.complete(LARGE);
  for (let second = 0; second < 5; second++) {
    await turn();
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(table.find('task')?.status).toBe('processing');
  database.exec('PRAGMA max_page_count = 1000000');
  await vi.advanceTimersByTimeAsync(1000);
  await turn();
  expect(table.find('task')).toMatchObject({ status: 'completed', result: LARGE });
  expect(worker.isBusy).toBe(false);
});

test('A worker that is drained while the disk is full gives a result up that does not fit', async () => {
  const started = await runOne();
  fillDisk();
  started.complete(LARGE);
  await turn();
  const drain = worker.drain(10_000);
  await vi.advanceTimersByTimeAsync(10_000);
  await drain;
  expect(table.find('task')?.error?.code).toBe('WORKER_STOPPED');
  expect(worker.isBusy).toBe(false);
});

test('A task that cannot be claimed stays in the queue until it can', async () => {
  table.insert(newTask({ taskRef: 'task' }), 'w');
  const exec = vi.spyOn(database, 'exec').mockImplementation(() => {
    throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' });
  });
  store.ring();
  await turn();
  expect(manual.started).toHaveLength(0);
  exec.mockRestore();
  await vi.advanceTimersByTimeAsync(20);
  expect(manual.startedRefs).toEqual(['task']);
});
