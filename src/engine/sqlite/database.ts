import { type DatabaseKind, openDatabaseFile } from '../../storage/database.js';
import type { Database } from '../../storage/driver.js';

export { MEMORY } from '../../storage/database.js';

/** For messages. */
export const ELSEWHERE = 'name another file with --store or MCP_AWAIT_HOME';

/** Each entry brings the tables from its index to the next version; entries never change once released. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE tasks (
    task_ref TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    operation TEXT NOT NULL,
    idempotency_key TEXT,
    parameters TEXT,
    parameters_digest TEXT NOT NULL,
    status TEXT NOT NULL,
    submitter TEXT NOT NULL,
    worker TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    expires_at INTEGER NOT NULL,
    sla_ms INTEGER NOT NULL,
    ttl_ms INTEGER NOT NULL,
    progress TEXT,
    result TEXT,
    error TEXT
  ) STRICT;
  CREATE UNIQUE INDEX tasks_by_key ON tasks (owner, operation, idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE INDEX tasks_pending ON tasks (status) WHERE status = 'pending';
  CREATE INDEX tasks_processing ON tasks (worker) WHERE status = 'processing';
  CREATE INDEX tasks_by_expiry ON tasks (expires_at);
  CREATE TABLE instances (
    instance TEXT PRIMARY KEY,
    has_worker INTEGER NOT NULL,
    lease_until INTEGER NOT NULL
  ) STRICT;
  `,
  `
  DROP TABLE instances;
  CREATE TABLE workers (
    worker TEXT PRIMARY KEY,
    takes_tasks INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    suspected_at INTEGER
  ) STRICT;
  `,
  `
  ALTER TABLE tasks ADD COLUMN run_count INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tasks ADD COLUMN retry_attempts INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tasks ADD COLUMN due_at INTEGER;
  ALTER TABLE tasks ADD COLUMN webhook_url TEXT;
  ALTER TABLE tasks ADD COLUMN delivery TEXT;
  UPDATE tasks SET run_count = 1 WHERE started_at IS NOT NULL;
  DROP INDEX tasks_pending;
  CREATE INDEX tasks_queued ON tasks (status) WHERE status = 'pending' AND due_at IS NULL;
  CREATE INDEX tasks_delayed ON tasks (due_at) WHERE status = 'pending' AND due_at IS NOT NULL;
  `,
  `
  ALTER TABLE tasks ADD COLUMN questions TEXT;
  ALTER TABLE tasks ADD COLUMN waits_until INTEGER;
  ALTER TABLE tasks ADD COLUMN has_news INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tasks ADD COLUMN open_count INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tasks ADD COLUMN waited_ms INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tasks ADD COLUMN excused_runs INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tasks ADD COLUMN input_timeout_ms INTEGER NOT NULL DEFAULT 86400000;
  CREATE INDEX tasks_with_news ON tasks (worker) WHERE has_news = 1;
  `,
  `
  ALTER TABLE tasks ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
  DROP INDEX tasks_queued;
  CREATE INDEX tasks_queued ON tasks (turn) WHERE status = 'pending' AND due_at IS NULL;
  CREATE INDEX tasks_unfinished ON tasks (owner, status, turn) WHERE status IN ('pending', 'processing');
  `,
  `
  CREATE INDEX tasks_listed ON tasks (status, created_at, task_ref);
  CREATE INDEX tasks_listed_by_owner ON tasks (owner, status, created_at, task_ref);
  `,
];

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
