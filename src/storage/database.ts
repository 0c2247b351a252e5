import { accessSync, chmodSync, closeSync, constants, existsSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigurationError } from '../errors.js';
import { type Database, openConnection } from './driver.js';
import { reasonOf } from './failure-reason.js';
import { BLOCKED_MS } from './file-lock.js';
import { makeFolder } from './state-folder.js';
import { inTransaction, prepareQuery } from './statement.js';

export const MEMORY = ':memory:';

/** One kind of database file. */
export interface DatabaseKind {
  /** What messages call it. */
  readonly noun: string;
  /** How to use another file, such as "name another file with --store". */
  readonly elsewhere: string;
  /** Each entry brings the tables from its index to the next version; entries never change once released. */
  readonly migrations: readonly string[];
  /** `FULL` syncs at every commit, so that a power cut loses nothing; with `NORMAL` a crash of the process loses nothing. */
  readonly synchronous: 'FULL' | 'NORMAL';
}

/**
 * Opens a database file, makes it where there is none, readable by its user only, and brings its tables up to date. Its statements hardly wait for another process's lock, since that would block the event loop: see `whenUnlocked`.
 * @throws ConfigurationError that names the file and the next step
 */
export function openDatabaseFile(file: string, kind: DatabaseKind): Database {
  let database: Database | undefined;
  try {
    if (file !== MEMORY) makePrivateFile(file);
    database = openConnection(file, { timeoutMs: BLOCKED_MS });
    database.exec('PRAGMA journal_mode = WAL');
    database.exec(`PRAGMA synchronous = ${kind.synchronous}`);
    migrate(database, file, kind);
    return database;
  } catch (cause) {
    database?.close();
    if (cause instanceof ConfigurationError) throw cause;
    const reason = reasonOf(cause, kind.elsewhere);
    throw new ConfigurationError(`The ${kind.noun} ${file} cannot be opened: ${reason}`, { cause });
  }
}

/**
 * The write-ahead files take over the mode of the database. A file that exists is never opened here: closing it would
 * drop the locks that another connection of this process holds on it (SQLite, "How To Corrupt", section 2.2).
 */
function makePrivateFile(file: string): void {
  if (!existsSync(file)) {
    makeFolder(dirname(resolve(file)));
    try {
      closeSync(openSync(file, 'ax', 0o600));
      chmodSync(file, 0o600);
    } catch (error) {
      // Another process may have been faster.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  accessSync(file, constants.R_OK | constants.W_OK);
}

/**
 * Brings the tables up to date; safe when several processes start at once.
 * @throws ConfigurationError when the tables were made by a newer version of this program
 */
function migrate(database: Database, file: string, { migrations, noun, elsewhere }: DatabaseKind): void {
  const readVersion = prepareQuery<{ user_version: number }>(database, 'PRAGMA user_version');
  const version = () => readVersion({})?.user_version ?? 0;
  if (version() > migrations.length) {
    throw new ConfigurationError(
      `The ${noun} ${file} was written by a newer version of mcp-await. Update mcp-await, or ${elsewhere}.`,
    );
  }
  if (version() === migrations.length) return;
  inTransaction(database, () => {
    for (const statements of migrations.slice(version())) database.exec(statements);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}

/**
 * Remembers the files of a database that is open. The answer tells whether they still stand where they stood: what is
 * written to a file that was deleted or replaced, no other process sees, and a restart loses it.
 */
export function rememberFiles(file: string): () => boolean {
  const names = [file, `${file}-wal`];
  const identify = () => names.map(identityOf).join(' ');
  const opened = identify();
  return () => identify() === opened;
}

/** A file that is open keeps its number, so that no later one can have it. */
function identityOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 'none' : `${stats.dev}:${stats.ino}`;
}
