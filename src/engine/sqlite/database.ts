import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import { ConfigurationError } from '../../errors.js';
import { BUSY_TIMEOUT_MS, reasonOf } from './failure-reason.js';
import { migrate } from './schema.js';

export const MEMORY = ':memory:';

/**
 * Opens the database file, makes it where there is none, readable by its user only, and brings its tables up to date.
 * @throws ConfigurationError that names the file and the next step
 */
export function openDatabase(file: string): Database.Database {
  try {
    if (file !== MEMORY) makePrivateFile(file);
    const database = new Database(file, { timeout: BUSY_TIMEOUT_MS });
    database.pragma('journal_mode = WAL');
    // Sync at every commit: an acknowledged task survives a power cut.
    database.pragma('synchronous = FULL');
    migrate(database, file);
    return database;
  } catch (cause) {
    if (cause instanceof ConfigurationError) throw cause;
    throw new ConfigurationError(`The store ${file} cannot be opened: ${reasonOf(cause)}`, { cause });
  }
}

/** The write-ahead files take over the mode of the database. */
function makePrivateFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
}
