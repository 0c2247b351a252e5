import {
  assertSchemaCompatibility,
  DEFAULT_SCHEMA,
  LATEST_SCHEMA_VERSION,
  type PgPool,
  PostgresConnection,
  PostgresQueueBackend,
  runMigrations,
  SchemaMigrationRequiredError,
} from 'bullmq';
import pg from 'pg';
import { startTimer } from '../../time/sleep.js';
import type { StoreNotice } from '../engine.js';
import { byServerClock, movesUnsynced, type Query } from './postgres-query.js';
import { CHANNEL, makeMissing, makeTable, postgresRecords } from './postgres-records.js';
import { backendOptions, type QueueConnection, type QueueConnectOptions } from './queue-connection.js';

/** An engine's share of the server's connections, 100 by default; one of them listens. */
const MAX_CONNECTIONS = 11;
const CONNECT_TIMEOUT_MS = 5000;
/** A connection that answers nothing for so long is given up. */
const SILENCE_MS = 8000;
/** The word that there is a job goes to all workers that listen. */
const MAX_IDLE_MS = 5000;
const RETRY_MS = 500;

/**
 * Connects to PostgreSQL and brings BullMQ's tables, in the schema `bullmq`, up to date. All queues share one pool,
 * and one connection of it that listens.
 */
export function connectPostgres(
  url: string,
  { prefix, locks, onError = () => {} }: QueueConnectOptions,
): QueueConnection {
  const pool = new pg.Pool({
    connectionString: url,
    options: `-c search_path="${DEFAULT_SCHEMA}"`,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: SILENCE_MS,
    keepAlive: true,
    // BullMQ listens for each queue over one client, and pg warns of a query that waits for the answer of another.
    pipeline: true,
  });
  // pg throws what a connection reports that nobody listens to at that moment, such as between two steps of BullMQ's, and
  // the process would end. Whoever uses the connection next is told all the same.
  pool.on('connect', client => client.on('error', () => {}));
  const ownQuery = pool.query.bind(pool) as Query;
  Object.assign(pool, { query: byServerClock(movesUnsynced(ownQuery)) });
  // BullMQ's type asks for one signature where pg has a list of overloads.
  const bullmqPool = pool as unknown as PgPool;
  const connection = new PostgresConnection(bullmqPool);
  connection.on('error', onError);
  // Every queue adds its listeners.
  connection.setMaxListeners(0);
  const named = (name: string) => `${prefix.replaceAll(':', '.')}.${name}`;
  const options = { connection: {}, ...backendOptions(locks) };
  const backend = (name: string) =>
    new PostgresQueueBackend(connection, named(name), options).on('error', () => {});
  const records = postgresRecords(ownQuery, {
    installation: prefix,
    queue: named,
    listen: (onMessage, onGap) => listen(connection, onMessage, onGap),
  });
  return {
    async ready() {
      await migrate(bullmqPool);
      await makeTable(ownQuery);
      await connection.waitUntilReady();
      return indexJobs(ownQuery);
    },
    backend,
    // One connection listens for all.
    waiting: backend,
    locks,
    records,
    maxIdleMs: MAX_IDLE_MS,
    async close() {
      await connection.close();
      await pool.end();
    },
  };
}

/** Listens for our changes over the connection of the engine that listens, also once it was replaced. */
async function listen(
  connection: PostgresConnection,
  onMessage: (message: string) => void,
  onGap: () => void,
): Promise<void> {
  const client = await connection.getListenClient();
  client.on('notification', ({ channel, payload = '' }) => {
    if (channel === CHANNEL) onMessage(payload);
  });
  await client.query(`LISTEN ${CHANNEL}`);
  connection.once('listenerinvalidated', () => {
    const again = () => {
      listen(connection, onMessage, onGap).then(onGap, () => startTimer(RETRY_MS, again, { unref: true }));
    };
    again();
  });
}

/**
 * Brings BullMQ's tables up to date. One read tells whether they are: a migration that finds nothing to do still takes
 * ten statements, and locks out whoever reads the version meanwhile.
 */
async function migrate(pool: PgPool): Promise<void> {
  const client = await pool.connect();
  try {
    const version = await assertSchemaCompatibility(client, DEFAULT_SCHEMA).catch(error => {
      if (error instanceof SchemaMigrationRequiredError) return 0;
      throw error;
    });
    if (version < LATEST_SCHEMA_VERSION) await runMigrations(client, DEFAULT_SCHEMA);
  } finally {
    client.release();
  }
}

/** Every look of BullMQ for the jobs of dead workers takes their marks away, for which it would read the table. */
const INDEX = 'mcp_await_job_stalled';

/** Makes our index where it is not there. Without the right to, the same costs more. */
async function indexJobs(query: Query): Promise<readonly StoreNotice[]> {
  try {
    await makeMissing(
      query,
      INDEX,
      `CREATE INDEX IF NOT EXISTS ${INDEX} ON job (queue) WHERE stalled_marked`,
    );
    return [];
  } catch (error) {
    const fields = { indexes: INDEX, error: error instanceof Error ? error.message : String(error) };
    const message =
      'Our index could not be made, so looks for dead workers read all jobs: let the owner of the table bullmq.job start a server once.';
    return [{ level: 'warn', message, fields }];
  }
}
