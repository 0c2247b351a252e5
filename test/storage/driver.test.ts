import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Database, openConnection } from '../../src/storage/driver.js';
import { prepareCommand, prepareQuery } from '../../src/storage/statement.js';

const hasOwn = Number.parseInt(process.versions.node, 10) >= 24;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcp-await-driver-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const open = (file = ':memory:') => openConnection(file, { timeoutMs: 1 });
const first = (database: Database, sql: string) => prepareQuery(database, sql)({});
const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

/** On Node 24 and later, both; the tests of what is published run this file there. */
describe.each(hasOwn ? ['libsql', 'node'] : ['libsql'])('the driver %s', driver => {
  beforeEach(() => {
    vi.stubEnv('MCP_AWAIT_SQLITE', driver);
  });

  test('is the one that was asked for', () => {
    const { version } = first(open(), 'SELECT sqlite_version() AS version') as { version: string };
    expect(version === process.versions.sqlite).toBe(driver === 'node');
  });

  test('answers with texts, numbers and null, and rounds an integer that is no exact number', () => {
    const sql = `SELECT 'é' AS text, 9007199254740993 AS large, 1.5 AS real, NULL AS empty, :given AS given`;
    expect(prepareQuery(open(), sql)({ given: 2 ** 53 - 1 })).toEqual({
      text: 'é',
      large: 9_007_199_254_740_992,
      real: 1.5,
      empty: null,
      given: 2 ** 53 - 1,
    });
  });

  test('takes values that a statement has no name for, and checks references', () => {
    expect(prepareQuery(open(), 'SELECT :a AS a')({ a: 'x', other: 'y' })).toEqual({ a: 'x' });
    expect(first(open(), 'PRAGMA foreign_keys')).toEqual({ foreign_keys: 1 });
  });

  test('tells whether it is open and in a transaction', () => {
    const database = open();
    expect([database.open, database.inTransaction]).toEqual([true, false]);
    database.exec('BEGIN');
    expect(database.inTransaction).toBe(true);
    database.close();
    expect(database.open).toBe(false);
  });

  test('fails with the codes of SQLite', async () => {
    const text = join(folder, 'text.db');
    await writeFile(text, 'no database at all, and longer than the head of one'.repeat(20));
    expect(codeOf(() => open(text).exec('PRAGMA journal_mode = WAL'))).toBe('SQLITE_NOTADB');
    const [own, other] = [open(join(folder, 'a.db')), open(join(folder, 'a.db'))];
    own.exec('CREATE TABLE names (name TEXT PRIMARY KEY) STRICT; PRAGMA max_page_count = 3');
    const insert = prepareCommand(own, 'INSERT INTO names VALUES (:name)');
    insert({ name: 'a' });
    expect(codeOf(() => insert({ name: 'a' }))).toMatch(/^SQLITE_CONSTRAINT/);
    expect(codeOf(() => insert({ name: 'a'.repeat(100_000) }))).toBe('SQLITE_FULL');
    other.exec('BEGIN IMMEDIATE');
    expect(codeOf(() => insert({ name: 'b' }))).toBe('SQLITE_BUSY');
    own.close();
    other.close();
  });
});

test.skipIf(!hasOwn)('a file of one driver is read and written by the other', () => {
  // In one process, the locks of two SQLites on one file would fall with the first that is closed: one at a time.
  const file = join(folder, 'both.db');
  for (const [driver, name] of [
    ['libsql', 'a'],
    ['node', 'b'],
    ['libsql', 'c'],
  ] as const) {
    vi.stubEnv('MCP_AWAIT_SQLITE', driver);
    const database = open(file);
    database.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS names (name TEXT) STRICT');
    prepareCommand(database, 'INSERT INTO names VALUES (:name)')({ name });
    const { names } = first(database, 'SELECT group_concat(name) AS names FROM names') as { names: string };
    expect(names.endsWith(name)).toBe(true);
    database.close();
  }
});
