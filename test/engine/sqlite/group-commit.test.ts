import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MEMORY, openDatabase } from '../../../src/engine/sqlite/database.js';
import { GroupCommit } from '../../../src/engine/sqlite/group-commit.js';
import type { Database } from '../../../src/storage/driver.js';
import { prepareQuery, prepareRows } from '../../../src/storage/statement.js';
import { createFolder } from './sqlite-store.js';

const namesIn = (database: Database) =>
  prepareRows<{ name: string }>(
    database,
    'SELECT name FROM items ORDER BY rowid',
  )({}).map(({ name }) => name);

describe('writes of one turn', () => {
  let database: Database;
  let commits: GroupCommit;

  beforeEach(() => {
    database = openDatabase(MEMORY);
    database.exec('CREATE TABLE items (name TEXT PRIMARY KEY, size INTEGER) STRICT');
    commits = new GroupCommit(database);
  });

  const insert = (name: string, size = 0) =>
    commits.write(() => database.exec(`INSERT INTO items VALUES ('${name}', ${size})`));
  const names = () => namesIn(database);

  test('are in the order in which they were asked for, and answer with what they return', async () => {
    const answers = await Promise.all(
      ['c', 'a', 'b'].map(name =>
        commits.write(() => {
          database.exec(`INSERT INTO items VALUES ('${name}', 0)`);
          return `${name} is in`;
        }),
      ),
    );
    expect(answers).toEqual(['c is in', 'a is in', 'b is in']);
    expect(names()).toEqual(['c', 'a', 'b']);
  });

  test('share one transaction', async () => {
    const inOne: boolean[] = [];
    const write = () => commits.write(() => inOne.push(database.inTransaction));
    const both = Promise.all([write(), write()]);
    expect(inOne).toEqual([]);
    await both;
    expect(inOne).toEqual([true, true]);
    expect(database.inTransaction).toBe(false);
  });

  test('are kept when one of them is refused', async () => {
    const settled = await Promise.allSettled([insert('a'), insert('a'), insert('b')]);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(names()).toEqual(['a', 'b']);
  });

  test('that throw half-way are undone as a whole and rejected with the reason', async () => {
    const reason = new Error('A bug');
    const thrown = commits.write(() => {
      database.exec("INSERT INTO items VALUES ('half', 0)");
      throw reason;
    });
    const kept = insert('kept');
    await expect(thrown).rejects.toBe(reason);
    await kept;
    expect(names()).toEqual(['kept']);
  });

  test('are all rejected when the disk is full, and later ones are taken again', async () => {
    const pages = prepareQuery<{ page_count: number }>(database, 'PRAGMA page_count')({})?.page_count;
    database.exec(`PRAGMA max_page_count = ${pages}`);
    const large = commits.write(() => database.exec('INSERT INTO items VALUES (hex(randomblob(100000)), 0)'));
    const settled = await Promise.allSettled([insert('before'), large, insert('after')]);
    expect(settled.some(({ status }) => status === 'rejected')).toBe(true);
    const kept = settled.flatMap(({ status }, index) =>
      status === 'fulfilled' && index !== 1 ? [['before', '', 'after'][index]] : [],
    );
    expect(names()).toEqual(kept);
    database.exec('PRAGMA max_page_count = 1000000');
    await insert('later');
    expect(names()).toEqual([...kept, 'later']);
  });

  test('are waited for until nothing is left to write', async () => {
    await commits.settled();
    const write = insert('now');
    await commits.settled();
    expect(names()).toEqual(['now']);
    await write;
  });
});

describe('writes while another process holds the write lock', () => {
  let folder: string;
  let other: Database;
  let database: Database;
  let commits: GroupCommit;

  beforeEach(async () => {
    folder = await createFolder();
    [database, other] = [openDatabase(join(folder, 'tasks.db')), openDatabase(join(folder, 'tasks.db'))];
    database.exec('CREATE TABLE items (name TEXT PRIMARY KEY) STRICT');
    commits = new GroupCommit(database);
    other.exec('BEGIN IMMEDIATE');
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    database.close();
    other.close();
    await rm(folder, { recursive: true });
  });

  const insert = (name: string) => commits.write(() => database.exec(`INSERT INTO items VALUES ('${name}')`));
  const names = () => namesIn(database);
  const turns = async (count: number) => {
    for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
  };

  test('wait in their order without blocking the event loop', async () => {
    const first = insert('first');
    await turns(20);
    const second = insert('second');
    await turns(20);
    expect(names()).toEqual([]);
    other.exec('COMMIT');
    await Promise.all([first, second, commits.settled()]);
    expect(names()).toEqual(['first', 'second']);
  });

  test('are refused after 5 s, each counted from when it was asked for', async () => {
    const now = performance.now.bind(performance);
    let passedMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + passedMs);
    const early = insert('early');
    await turns(2);
    passedMs = 4990;
    const late = insert('late');
    passedMs = 5000;
    await expect(early).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
    other.exec('COMMIT');
    await late;
    expect(names()).toEqual(['late']);
  });
});
