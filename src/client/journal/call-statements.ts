import type { Database, Values } from '../../storage/driver.js';
import { prepareCommand, prepareQuery, prepareRows } from '../../storage/statement.js';
import type { CallRow } from './journal-record.js';

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

/** The columns of a `CallRow`. */
const ROW = `id, server, tool, protocol, reference, idempotency_key AS idempotencyKey,
  arguments_digest AS argumentsDigest, state, status, message, outcome, claim_until AS claimUntil,
  started_at AS startedAt, updated_at AS updatedAt, expires_at AS expiresAt`;

/** A call whose end is not known. */
const OPEN = `state IN ('starting', 'running')`;

/** The last to be given up come first: what is delivered goes before what ended, and that before what runs. */
const WORTH = `CASE state WHEN 'delivered' THEN 0 WHEN 'ended' THEN 1 ELSE 2 END`;

/**
 * Each change names the states that it starts from, so that a process that is late changes nothing that is final. A statement
 * is prepared at its first use: a command that looks at one job uses two of them.
 */
export function callStatements(database: Database) {
  const query = <Row>(sql: string) => atFirstUse(() => prepareQuery<Row>(database, sql));
  const rows = (sql: string) => atFirstUse(() => prepareRows<CallRow>(database, sql));
  const command = (sql: string) => atFirstUse(() => prepareCommand(database, sql));
  return {
    insert: query<CallRow>(`
      INSERT INTO calls (id, call_key, idempotency_key, arguments_digest, server_key, server, tool, protocol,
                         state, status, claim_until, started_at, updated_at, expires_at)
      VALUES (:id, :callKey, :idempotencyKey, :argumentsDigest, :serverKey, :server, :tool, :protocol,
              'starting', 'working', :claimUntil, :now, :now, :expiresAt)
      ON CONFLICT (id) DO NOTHING
      RETURNING ${ROW}`),
    findByKey: query<CallRow>(`SELECT ${ROW} FROM calls WHERE call_key = :callKey AND expires_at > :now`),
    removeExpiredKey: command('DELETE FROM calls WHERE call_key = :callKey AND expires_at <= :now'),
    find: query<CallRow>(`SELECT ${ROW} FROM calls WHERE id = :id AND expires_at > :now`),
    findByPrefix: rows(
      `SELECT ${ROW} FROM calls WHERE substr(id, 1, length(:prefix)) = :prefix AND expires_at > :now LIMIT 2`,
    ),
    findByReference: rows(`
      SELECT ${ROW} FROM calls WHERE reference_key = :referenceKey AND expires_at > :now
      ORDER BY updated_at DESC`),
    findByKeyPrefix: rows(`
      SELECT ${ROW} FROM calls WHERE substr(idempotency_key, 1, length(:prefix)) = :prefix AND expires_at > :now
      ORDER BY started_at, rowid`),
    isOnServer: query('SELECT 1 FROM calls WHERE id = :id AND server_key = :serverKey'),
    list: rows(`
      SELECT ${ROW} FROM calls WHERE expires_at > :now AND (:all OR state <> 'delivered')
      ORDER BY started_at DESC, rowid DESC`),
    restart: command(`
      UPDATE calls SET state = 'starting', status = 'working', message = NULL, outcome = NULL, outcome_bytes = NULL,
                       reference = NULL, reference_key = NULL, claim_until = :claimUntil, started_at = :now, updated_at = :now, expires_at = :expiresAt
      WHERE id = :id AND state = :state AND updated_at = :updatedAt`),
    holdClaims: command(`
      UPDATE calls SET claim_until = :claimUntil
      WHERE id IN (SELECT value FROM json_each(:ids)) AND ${OPEN}`),
    accept: command(`
      UPDATE calls SET state = 'running', reference = :reference, reference_key = :referenceKey, claim_until = 0,
                       updated_at = :now, expires_at = :expiresAt
      WHERE id = :id AND ${OPEN}`),
    note: command(`
      UPDATE calls SET status = :status, message = :message, updated_at = :now, expires_at = :expiresAt
      WHERE id = :id AND ${OPEN}`),
    end: command(`
      UPDATE calls SET state = 'ended', status = :status, message = :message, outcome = :outcome,
                       outcome_bytes = :outcomeBytes, updated_at = :now, expires_at = :expiresAt
      WHERE id = :id AND ${OPEN}`),
    lose: command(`
      UPDATE calls SET state = 'delivered', status = 'unknown', message = :message, updated_at = :now
      WHERE id = :id AND ${OPEN}`),
    deliver: command(`UPDATE calls SET state = 'delivered' WHERE id = :id AND state = 'ended'`),
    removeUnstarted: command(`DELETE FROM calls WHERE id = :id AND state = 'starting'`),
    remove: command('DELETE FROM calls WHERE id = :id'),
    removeExpired: command('DELETE FROM calls WHERE expires_at <= :now'),
    removeAbove: command(`
      DELETE FROM calls WHERE rowid IN (
        SELECT rowid FROM calls ORDER BY ${WORTH}, updated_at
        LIMIT max(0, (SELECT count(*) FROM calls) - :rows))`),
    removeOutcomesAbove: command(`
      UPDATE calls SET outcome = NULL WHERE rowid IN (
        SELECT rowid FROM (
          SELECT rowid, SUM(outcome_bytes) OVER (ORDER BY ${WORTH} DESC, updated_at DESC, rowid) AS total
          FROM calls WHERE outcome IS NOT NULL)
        WHERE total > :bytes)`),
    history: query<{ history: string }>('SELECT history FROM durations WHERE key = :key'),
    remember: command(`
      INSERT INTO durations (key, history, updated_at) VALUES (:key, :history, :now)
      ON CONFLICT (key) DO UPDATE SET history = excluded.history, updated_at = excluded.updated_at`),
    removeDurationsAbove: command(`
      DELETE FROM durations WHERE key NOT IN (
        SELECT key FROM durations ORDER BY updated_at DESC, rowid DESC LIMIT :durations)`),
    isProved: query('SELECT 1 FROM proved_pairs WHERE key = :key'),
    prove: command(`
      INSERT INTO proved_pairs (key, updated_at) VALUES (:key, :now)
      ON CONFLICT (key) DO UPDATE SET updated_at = excluded.updated_at`),
    removeProofsAbove: command(`
      DELETE FROM proved_pairs WHERE key NOT IN (
        SELECT key FROM proved_pairs ORDER BY updated_at DESC, rowid DESC LIMIT :proofs)`),
    removeProof: command('DELETE FROM proved_pairs WHERE key = :key'),
    removeProofs: command('DELETE FROM proved_pairs'),
    addSecret: command('INSERT OR IGNORE INTO secrets (name, value) VALUES (:name, :value)'),
    secret: query<{ value: string }>('SELECT value FROM secrets WHERE name = :name'),
  };
}

function atFirstUse<Result>(prepare: () => (values: Values) => Result): (values: Values) => Result {
  let statement: ((values: Values) => Result) | undefined;
  return values => {
    statement ??= prepare();
    return statement(values);
  };
}
