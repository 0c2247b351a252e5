import { type DatabaseKind, openDatabaseFile } from '../../storage/database.js';
import type { Database } from '../../storage/driver.js';
import { MIGRATIONS } from './schema.js';

export { MEMORY } from '../../storage/database.js';

/** For messages. */
export const ELSEWHERE = 'name another file with --store or MCP_AWAIT_HOME';

/** Syncs at every commit: an acknowledged task survives a power cut. */
const STORE: DatabaseKind = {
  noun: 'store',
  elsewhere: ELSEWHERE,
  migrations: MIGRATIONS,
  synchronous: 'FULL',
};

/**
 * Opens the store, makes it where there is none, and brings its tables up to date.
 * @throws ConfigurationError that names the file and the next step
 */
export function openDatabase(file: string): Database {
  return openDatabaseFile(file, STORE);
}
