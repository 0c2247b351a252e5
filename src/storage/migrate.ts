import type Database from 'libsql';
import { inTransaction, prepareQuery } from './statement.js';

/** The tables were made by a newer version of this program. */
export class NewerTablesError extends Error {
  override readonly name = 'NewerTablesError';
}

/**
 * Brings the tables up to date; safe when several processes start at once.
 * @param migrations each entry brings the tables from its index to the next version
 * @throws NewerTablesError
 */
export function migrate(database: Database.Database, migrations: readonly string[]): void {
  const readVersion = prepareQuery<{ user_version: number }>(database, 'PRAGMA user_version');
  const version = () => readVersion({})?.user_version ?? 0;
  if (version() > migrations.length) throw new NewerTablesError();
  if (version() === migrations.length) return;
  inTransaction(database, () => {
    for (const statements of migrations.slice(version())) database.exec(statements);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}
