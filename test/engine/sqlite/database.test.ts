import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/engine/clock.js';
import { MIGRATIONS, openDatabase } from '../../../src/engine/sqlite/database.js';
import { openSqliteEngine } from '../../../src/engine/sqlite/sqlite-engine.js';
import { TaskTable } from '../../../src/engine/sqlite/task-table.js';
import { ConfigurationError } from '../../../src/errors.js';
import { openConnection } from '../../../src/storage/driver.js';
import { prepareQuery } from '../../../src/storage/statement.js';
import { newTask } from '../engine-store.js';
import { createFolder } from './sqlite-store.js';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await createFolder();
  file = join(folder, 'tasks.db');
});

afterEach(() => rm(folder, { recursive: true }));

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

describe('a new store', () => {
  test('is readable by its user only', async () => {
    const nested = join(folder, 'state', 'mcp-await');
    const database = openDatabase(join(nested, 'tasks.db'));
    database.exec('CREATE TABLE touched (a)');
    expect(await modeOf(join(folder, 'state'))).toBe('700');
    expect(await modeOf(nested)).toBe('700');
    for (const name of ['tasks.db', 'tasks.db-wal', 'tasks.db-shm']) {
      expect(await modeOf(join(nested, name))).toBe('600');
    }
    database.close();
  });

  test('syncs at every commit and keeps a write-ahead log', () => {
    const database = openDatabase(file);
    expect(prepareQuery(database, 'PRAGMA journal_mode')({})).toEqual({ journal_mode: 'wal' });
    expect(prepareQuery(database, 'PRAGMA synchronous')({})).toEqual({ synchronous: 2 });
    database.close();
  });
});

describe('an existing store', () => {
  test('keeps the mode that its user gave it', async () => {
    openDatabase(file).close();
    await chmod(file, 0o660);
    openDatabase(file).close();
    expect(await modeOf(file)).toBe('660');
  });

  test.each([1, 2])('is brought from version %i to the present one with its tasks', version => {
    const old = openConnection(file, { timeoutMs: 1000 });
    for (const statements of MIGRATIONS.slice(0, version)) old.exec(statements);
    old.exec(`INSERT INTO tasks (task_ref, owner, operation, parameters, parameters_digest, status, submitter,
                                 created_at, updated_at, started_at, expires_at, sla_ms, ttl_ms)
      VALUES ('task_old', 'ada', 'work', '{"size":1}', 'x', 'pending', 's', 1, 1, NULL, 9e15, 1000, 1000),
             ('task_run', 'ada', 'work', NULL, 'x', 'failed', 's', 1, 1, 1, 9e15, 1000, 1000);
      PRAGMA user_version = ${version}`);
    old.close();
    const database = openDatabase(file);
    const table = new TaskTable(database, systemClock);
    expect(table.find('task_old')).toMatchObject({ status: 'pending', runCount: 0, retryAttempts: 0 });
    expect(table.find('task_run')).toMatchObject({ status: 'failed', runCount: 1, webhookUrl: undefined });
    const claim = { worker: 'w', operations: ['work'], ownOnly: false };
    expect(table.claim(claim, 5)).toMatchObject([{ record: { runCount: 1 }, parameters: { size: 1 } }]);
    database.close();
  });

  test('of a newer version is left alone', () => {
    openDatabase(file).close();
    const newer = openConnection(file, { timeoutMs: 1000 });
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    expect(() => openDatabase(file)).toThrow(ConfigurationError);
    expect(() => openDatabase(file)).toThrow(/tasks\.db was written by a newer version .* Update/);
  });
});

describe('a store that cannot be opened', () => {
  const refused = (path: string, reason: RegExp) => {
    expect(() => openDatabase(path)).toThrow(ConfigurationError);
    expect(() => openDatabase(path)).toThrow(path);
    expect(() => openDatabase(path)).toThrow(reason);
    expect(() => openDatabase(path)).toThrow(/--store/);
  };

  test('because it is no database says so and keeps the file', async () => {
    const text = 'Dear diary, this is not a database. '.repeat(200);
    await writeFile(file, text);
    refused(file, /not an SQLite database/);
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  test('because it is damaged says so', async () => {
    const database = openDatabase(file);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    const bytes = await readFile(file);
    bytes.fill(0x41, 100, 4096);
    await writeFile(file, bytes);
    await rm(`${file}-wal`, { force: true });
    refused(file, /damaged|not an SQLite database/);
  });

  test('because it is a folder says so', async () => {
    await mkdir(file);
    refused(file, /folder|file/);
  });

  test('because a file stands in its path says so', async () => {
    await writeFile(join(folder, 'file'), '');
    refused(join(folder, 'file', 'tasks.db'), /folder/);
  });

  test('because nothing can be written there says so', () => {
    refused('/sys/mcp-await/tasks.db', /may not be written|Check/);
  });
});

describe('a store that fails later', () => {
  test('because the disk is full refuses the task, keeps the others and works again when there is room', async () => {
    const database = openDatabase(file);
    const table = new TaskTable(database, systemClock);
    const pages = prepareQuery<{ page_count: number }>(database, 'PRAGMA page_count')({})?.page_count ?? 0;
    table.insert(newTask({ taskRef: 'before' }), 'me');
    database.exec(`PRAGMA max_page_count = ${pages + 2}`);
    const large = () => table.insert(newTask({ taskRef: 'large', parameters: 'x'.repeat(100_000) }), 'me');
    expect(large).toThrow(/full/);
    expect(large).toThrow(/full/);
    expect([table.find('before')?.status, table.find('large')]).toEqual(['pending', undefined]);
    database.exec('PRAGMA max_page_count = 1000000');
    expect(large().created).toBe(true);
    database.close();
  });

  test('because it was damaged while open says so, and what to do', async () => {
    const engine = openSqliteEngine(file);
    for (let index = 0; index < 300; index++) await engine.submit(newTask({ taskRef: `task_${index}` }));
    const other = openDatabase(file);
    other.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const bytes = await readFile(file);
    bytes.fill(0x41, 4096);
    await writeFile(file, bytes);
    other.exec('PRAGMA user_version = 2');
    other.close();
    const answer = engine.submit(newTask({ taskRef: 'later' }));
    await expect(answer).rejects.toThrow(/tasks\.db refused: .*--store/);
    await engine.close();
  });
});
