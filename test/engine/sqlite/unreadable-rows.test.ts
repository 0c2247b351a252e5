import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Engine, StoreNotice } from '../../../src/engine/engine.js';
import { openSqliteEngine } from '../../../src/engine/sqlite/sqlite-engine.js';
import { StoreFailure } from '../../../src/engine/store-failure.js';
import type { TaskRecord } from '../../../src/engine/task-record.js';
import { openConnection } from '../../../src/storage/driver.js';
import { completed, HeldWork, newTask, until } from '../engine-store.js';
import { createFolder } from './sqlite-store.js';

let folder: string;
let file: string;
let engine: Engine;
let lost: TaskRecord[];
let notices: StoreNotice[];

beforeEach(async () => {
  folder = await createFolder();
  file = join(folder, 'tasks.db');
  [lost, notices] = [[], []];
  engine = openSqliteEngine(file, {
    leaseMs: 200,
    onLost: record => lost.push(record),
    onNotice: notice => notices.push(notice),
  });
});

afterEach(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const poison = (taskRef: string, column: string, value: string) => {
  const database = openConnection(file, { timeoutMs: 1000 });
  database.prepare(`UPDATE tasks SET ${column} = :value WHERE task_ref = :taskRef`).run({ value, taskRef });
  database.close();
};
const submit = async (overrides = {}) => (await engine.submit(newTask(overrides))).record.taskRef;
const work = (work = new HeldWork()) => {
  engine.startWorker({ execute: work.execute, operations: ['work'], concurrency: 4 });
  return work;
};
const INVALID = { status: 'failed', error: { code: 'INVALID_RECORD', retryable: false }, owner: 'ada' };

describe('a row that cannot be read', () => {
  test.each([
    ['parameters', '{'],
    ['questions', '{"v":9,"task":"other"}'],
    ['questions', '[5]'],
    ['progress', 'garbage'],
    ['delivery', '5'],
  ])('by its %s (%s) fails its task, is told, and holds up no other', async (column, value) => {
    const [bad, good] = [await submit({ idempotencyKey: 'k' }), await submit()];
    poison(bad, column, value);
    const { started } = work();
    await until(() => started.length === 1);
    expect(started).toMatchObject([{ record: { taskRef: good } }]);
    expect(await engine.waitForEnd(bad, { timeoutMs: 5000 })).toMatchObject(INVALID);
    expect(lost).toMatchObject([{ taskRef: bad, ...INVALID }]);
    expect(await engine.stats(60_000)).toMatchObject([{ failed: 1, processing: 1 }]);
    const again = await engine.submit(newTask({ idempotencyKey: 'k' }));
    expect(again).toMatchObject({ created: false, record: INVALID });
  });

  test.each([
    ['status', 'paused'],
    ['questions', '['],
  ])('by its %s fails where nobody runs it, and every reader says so', async (column, value) => {
    const bad = await submit();
    poison(bad, column, value);
    const found = await engine.find(bad);
    expect(found).toMatchObject(INVALID);
    await until(() => lost.length === 1);
    expect(await engine.cancel(bad)).toMatchObject(INVALID);
    expect(await engine.answer(bad, { key: { action: 'decline' } })).toMatchObject(INVALID);
    await engine.recordDelivery(bad, { status: 'pending', attempts: 0 });
    expect(await engine.waitForChange(bad, { known: found as TaskRecord, timeoutMs: 0 })).toMatchObject(
      INVALID,
    );
  });

  test('stops the run of its task, whose result no longer counts', async () => {
    const held = work();
    const bad = await submit();
    await held.startedCount(1);
    poison(bad, 'questions', '{');
    expect(await engine.waitForEnd(bad, { timeoutMs: 5000 })).toMatchObject(INVALID);
    await until(() => held.context(bad).signal.aborted);
    held.end(bad, completed('late'));
    expect(await engine.find(bad)).toMatchObject(INVALID);
  });

  test('of a task that has ended is told so at each look', async () => {
    const held = work();
    const ended = await submit();
    await held.startedCount(1);
    held.end(ended, completed(1));
    await engine.waitForEnd(ended, { timeoutMs: 5000 });
    poison(ended, 'result', '{');
    expect(await engine.find(ended)).toMatchObject(INVALID);
    expect(lost).toEqual([]);
  });
});

describe('a file that was deleted or replaced while it was open', () => {
  test.each(['', '-wal'])('takes no task, is not ready, and is told once: tasks.db%s', async suffix => {
    const kept = await submit();
    await rename(`${file}${suffix}`, `${file}.moved`);
    await expect(submit()).rejects.toThrow(StoreFailure);
    await expect(engine.find(kept)).rejects.toThrow(/deleted or replaced while it was open/);
    await until(() => notices.length > 0);
    expect(notices).toMatchObject([
      { level: 'error', message: expect.stringContaining('deleted or replaced') },
    ]);
    await rename(`${file}.moved`, `${file}${suffix}`);
    expect(await engine.find(kept)).toMatchObject({ status: 'pending' });
    await until(() => notices.length > 1);
    expect(notices[1]).toMatchObject({ level: 'info' });
  });
});
