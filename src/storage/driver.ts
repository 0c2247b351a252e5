import type LibsqlDatabase from 'libsql';
import { ConfigurationError } from '../errors.js';

/** What may be bound. No text with a NUL in it, which libsql 0.5.29 stores only up to there, and no boolean, which ends its process. */
export type Value = string | number | null;
export type Values = Readonly<Record<string, Value>>;

/** A connection to a database file, as both drivers give it. Errors have SQLite's own code: `SQLITE_BUSY`. */
export interface Database {
  readonly open: boolean;
  /** Never to be read once it is closed: libsql 0.5.29 would end the process. */
  readonly inTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

interface Statement {
  all(values: Values): unknown[];
  run(values: Values): { readonly changes: number };
}

/** `node:sqlite`, as far as it is used here: Node 20 has neither the module nor its types. */
interface OwnSqlite {
  readonly DatabaseSync: new (file: string, options: { readonly timeout: number }) => DatabaseSyncLike;
}

interface DatabaseSyncLike {
  readonly isOpen: boolean;
  readonly isTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): StatementSyncLike;
  close(): void;
}

interface StatementSyncLike {
  all(values: Values): Record<string, unknown>[];
  run(values: Values): { readonly changes: number | bigint };
  setReadBigInts(enabled: boolean): void;
  setAllowUnknownNamedParameters(enabled: boolean): void;
}

/** The first version of Node whose own SQLite is used. */
const OWN_SQLITE_NODE = 24;

/**
 * Opens a database file with the SQLite of Node 24 and later, or with the package `libsql`. Both read the same files.
 * `MCP_AWAIT_SQLITE` (`node` or `libsql`) chooses otherwise.
 * @throws ConfigurationError when there is neither; the driver's error
 */
export function openConnection(
  file: string,
  { timeoutMs: timeout }: { readonly timeoutMs: number },
): Database {
  const { MCP_AWAIT_SQLITE: chosen } = process.env;
  const isOwn = Number.parseInt(process.versions.node, 10) >= OWN_SQLITE_NODE;
  if (chosen === 'node' || (isOwn && chosen !== 'libsql')) {
    const sqlite = loadOwnSqlite();
    if (sqlite !== undefined)
      return new OwnDatabase(withCode(() => new sqlite.DatabaseSync(file, { timeout })));
  }
  const Libsql = loadLibsql();
  return new Libsql(file, { timeout }) as unknown as Database;
}

/** Without the warning that it is experimental, which Node 22 and the first releases of Node 24 write on standard error. */
function loadOwnSqlite(): OwnSqlite | undefined {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:sqlite') as OwnSqlite | undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** The package that npm leaves out on a Node that does not need it, and what that stands on. */
const PACKAGES = ['mcp-await-libsql', 'libsql'];

function loadLibsql(): typeof LibsqlDatabase {
  const load = process.getBuiltinModule('node:module').createRequire(import.meta.url);
  const causes: unknown[] = [];
  for (const name of PACKAGES) {
    try {
      return load(name);
    } catch (cause) {
      causes.push(cause);
    }
  }
  throw new ConfigurationError(
    `SQLite is missing: Node ${process.versions.node} has none that is used here, and the package \`libsql\` cannot be loaded. Run \`npm install libsql\`, or use Node ${OWN_SQLITE_NODE} or later.`,
    { cause: causes.at(-1) },
  );
}

/** Node's SQLite in the words of libsql. */
class OwnDatabase implements Database {
  readonly #database: DatabaseSyncLike;

  constructor(database: DatabaseSyncLike) {
    this.#database = database;
  }

  get open(): boolean {
    return this.#database.isOpen;
  }

  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  exec(sql: string): void {
    withCode(() => this.#database.exec(sql));
  }

  prepare(sql: string): Statement {
    const statement = withCode(() => this.#database.prepare(sql));
    // Otherwise an integer that is no exact number of JavaScript is an error, where libsql rounds.
    statement.setReadBigInts(true);
    statement.setAllowUnknownNamedParameters(true);
    return {
      all: values => withCode(() => statement.all(values)).map(withNumbers),
      run: values => ({ changes: Number(withCode(() => statement.run(values)).changes) }),
    };
  }

  close(): void {
    this.#database.close();
  }
}

function withNumbers(row: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
  );
}

/** SQLite's result codes that mean something to a person or to a retry (SQLite, "Result and Error Codes"). */
const CODES: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  19: 'SQLITE_CONSTRAINT',
  26: 'SQLITE_NOTADB',
};

/** Node tells SQLite's code as a number, whose low byte is the primary one. */
function withCode<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const { errcode } = error as { readonly errcode?: number };
    const code = errcode === undefined ? undefined : CODES[errcode & 0xff];
    throw code === undefined ? error : Object.assign(error as Error, { code });
  }
}
