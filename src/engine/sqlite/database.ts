import { accessSync, chmodSync, closeSync, constants, mkdirSync, openSync } from 'node:fs';
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
  let database: Database.Database | undefined;
  try {
    if (file !== MEMORY) makePrivateFile(file);
    database = new Database(file, { timeout: BUSY_TIMEOUT_MS });
    database.pragma('journal_mode = WAL');
    // Sync at every commit: an acknowledged task survives a power cut.
    database.pragma('synchronous = FULL');
    migrate(database, file);
    return database;
  } catch (cause) {
    database?.close();
    if (cause instanceof ConfigurationError) throw cause;
    throw new ConfigurationError(`The store ${file} cannot be opened: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * The write-ahead files take over the mode of the database. A file that exists is never opened here: closing it would
 * drop the locks that another connection of this process holds on it (SQLite, "How To Corrupt", section 2.2).
 */
function makePrivateFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(file, 'ax', 0o600));
    chmodSync(file, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    accessSync(file, constants.R_OK | constants.W_OK);
  }
}
