import type { Database, Values } from './driver.js';

/**
 * A prepared statement that returns rows; the answer is its first row.
 *
 * libsql 0.5.29 resets a statement before `all` and before `run`, but not before `get`: after an error, or after
 * another method, `get` runs with the values of the call before. And `run` leaves a statement with RETURNING
 * unfinished, and so the database locked. Therefore: `all` for what returns rows, `run` for the rest, never `get`.
 */
export function prepareQuery<Row>(database: Database, sql: string): (values: Values) => Row | undefined {
  const rows = prepareRows<Row>(database, sql);
  return values => rows(values)[0];
}

/** A prepared statement that returns all its rows. */
export function prepareRows<Row>(database: Database, sql: string): (values: Values) => readonly Row[] {
  const statement = database.prepare(sql);
  return values => statement.all(values) as Row[];
}

/**
 * A prepared statement that returns no rows; the answer is the number of rows that it changed. It runs in a transaction:
 * outside of one, a statement that finds the database locked stays unfinished (libsql 0.5.29), and with it the view of
 * the database as it was then, so that this connection can neither see nor write anything more.
 */
export function prepareCommand(database: Database, sql: string): (values: Values) => number {
  const statement = database.prepare(sql);
  const run = (values: Values) => statement.run(values).changes;
  // Of a database that is closed, libsql ends the whole process when it is asked for its transaction.
  const mayRun = () => !database.open || database.inTransaction;
  return values => (mayRun() ? run(values) : inTransaction(database, () => run(values)));
}

/** Runs `work` in one transaction that holds the write lock from its start, so that it can fail with "busy" only there. */
export function inTransaction<Result>(database: Database, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk ends the transaction by itself.
    if (database.inTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
