/** Each entry brings the tables from its index to the next version; entries never change once released. */
export const JOURNAL_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE calls (
    id TEXT PRIMARY KEY,
    call_key TEXT,
    idempotency_key TEXT,
    arguments_digest TEXT NOT NULL,
    server_key TEXT NOT NULL,
    server TEXT NOT NULL,
    tool TEXT NOT NULL,
    protocol TEXT NOT NULL,
    reference TEXT,
    reference_key TEXT,
    state TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT,
    outcome TEXT,
    outcome_bytes INTEGER,
    claim_until INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX calls_by_key ON calls (call_key) WHERE call_key IS NOT NULL;
  CREATE INDEX calls_by_reference ON calls (reference_key) WHERE reference_key IS NOT NULL;
  CREATE INDEX calls_by_expiry ON calls (expires_at);
  CREATE INDEX calls_by_age ON calls (state, updated_at);
  CREATE TABLE secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  `,
  `
  CREATE TABLE durations (key TEXT PRIMARY KEY, history TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT;
  CREATE INDEX durations_by_age ON durations (updated_at);
  `,
  `
  CREATE TABLE proved_pairs (key TEXT PRIMARY KEY, updated_at INTEGER NOT NULL) STRICT;
  `,
];
