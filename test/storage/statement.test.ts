import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Database, openConnection } from '../../src/storage/driver.js';
import { inTransaction, prepareCommand, prepareQuery } from '../../src/storage/statement.js';

let database: Database;

beforeEach(() => {
  database = openConnection(':memory:', { timeoutMs: 1 });
  database.exec(
    'CREATE TABLE items (name TEXT, size INTEGER) STRICT; CREATE UNIQUE INDEX by_name ON items (name)',
  );
});

const names = () =>
  prepareQuery<{ names: string }>(database, 'SELECT group_concat(name) AS names FROM items')({})?.names;

describe('a statement', () => {
  const insert = 'INSERT INTO items VALUES (:name, :size)';

  test.each([
    ['a query', () => prepareQuery(database, `${insert} RETURNING *`)],
    ['a command', () => prepareCommand(database, insert)],
  ])('that failed runs with the new values the next time: %s', (_name, prepare) => {
    const run = prepare();
    run({ name: 'a', size: 1 });
    expect(() => run({ name: 'b', size: 1.5 })).toThrow(/REAL/);
    run({ name: 'c', size: 1 });
    expect(() => run({ name: 'c', size: 1 })).toThrow(/UNIQUE/);
    run({ name: 'd', size: 1 });
    expect(names()).toBe('a,c,d');
  });

  test('returns its first row, or undefined', () => {
    prepareCommand(database, insert)({ name: 'a', size: 1 });
    const find = prepareQuery<{ size: number }>(database, 'SELECT size FROM items WHERE name = :name');
    expect(find({ name: 'a' })?.size).toBe(1);
    expect(find({ name: 'b' })).toBeUndefined();
    expect(find({ name: 'a' })?.size).toBe(1);
  });

  test('counts the rows that it changed', () => {
    for (const name of ['a', 'b']) prepareCommand(database, insert)({ name, size: 1 });
    const grow = prepareCommand(database, 'UPDATE items SET size = size + 1 WHERE size < :size');
    expect([grow({ size: 5 }), grow({ size: 0 })]).toEqual([2, 0]);
  });
});

describe('a transaction', () => {
  test('keeps nothing of work that throws, and the next one begins', () => {
    const insert = prepareCommand(database, 'INSERT INTO items VALUES (:name, 1)');
    const error = new Error('no');
    const failing = () =>
      inTransaction(database, () => {
        insert({ name: 'a' });
        throw error;
      });
    expect(failing).toThrow(error);
    expect(inTransaction(database, () => insert({ name: 'b' }))).toBe(1);
    expect(names()).toBe('b');
  });
});

test('A command of a database that was closed does not end the process', () => {
  const insert = prepareCommand(database, 'INSERT INTO items VALUES (:name, 1)');
  database.close();
  expect(() => insert({ name: 'a' })).not.toThrow(/panic/);
});

test('A command that finds the database locked leaves the connection able to see and to write', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-statement-'));
  const open = () => openConnection(join(folder, 'items.db'), { timeoutMs: 1 });
  const [other, own] = [open(), open()];
  other.exec('PRAGMA journal_mode = WAL; CREATE TABLE items (name TEXT) STRICT');
  const insert = prepareCommand(own, 'INSERT INTO items VALUES (:name)');
  const count = prepareQuery<{ count: number }>(own, 'SELECT count(*) AS count FROM items');
  other.exec("BEGIN IMMEDIATE; INSERT INTO items VALUES ('theirs')");
  expect(() => insert({ name: 'ours' })).toThrow(/locked/);
  other.exec('COMMIT');
  expect(count({})?.count).toBe(1);
  inTransaction(own, () => insert({ name: 'ours' }));
  expect(count({})?.count).toBe(2);
  own.close();
  other.close();
  await rm(folder, { recursive: true });
});
