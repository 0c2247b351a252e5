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
import { failureCode } from '../store-failure.js';
import { byServerClock, type Query } from './postgres-clock.js';
import { CHANNEL, LOCK, makeTable, postgresRecords } from './postgres-records.js';
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
export function connectPostgres(url: string, { prefix, locks }: QueueConnectOptions): QueueConnection {
  const pool = new pg.Pool({
    connectionString: url,
    options: `-c search_path="${DEFAULT_SCHEMA}"`,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: SILENCE_MS,
    keepAlive: true,
  });
  surviveLosses(pool);
  const ownQuery = pool.query.bind(pool) as Query;
  Object.assign(pool, { query: byServerClock(ownQuery) });
  // BullMQ's type asks for one signature where pg has a list of overloads.
  const bullmqPool = pool as unknown as PgPool;
  const connection = new PostgresConnection(bullmqPool);
  let lastError: Error | undefined;
  connection.on('error', error => {
    lastError = error;
  });
  // Every queue adds its listeners.
  connection.setMaxListeners(0);
  askInTurn(connection);
  const named = (name: string) => `${prefix.replaceAll(':', '.')}.${name}`;
  const options = { connection: {}, ...backendOptions(locks) };
  const backend = (name: string) =>
    new PostgresQueueBackend(connection, named(name), options).on('error', () => {});
  const records = postgresRecords(ownQuery as never, {
    installation: prefix,
    queue: named,
    listen: (onMessage, onGap) => listen(connection, onMessage, onGap),
  });
  return {
    get lastError() {
      return lastError;
    },
    async ready() {
      await migrate(bullmqPool);
      await makeTable(ownQuery as never);
      await connection.waitUntilReady();
      return indexJobs(pool);
    },
    backend,
    // One connection listens for all.
    waiting: backend,
    locks,
    records,
    maxIdleMs: MAX_IDLE_MS,
    isConnectionError,
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

/** BullMQ listens for each queue over one client, and pg warns of a query that is sent while another is answered. */
function askInTurn(connection: PostgresConnection): void {
  const getListenClient = connection.getListenClient.bind(connection);
  const changed = new WeakSet<object>();
  connection.getListenClient = async () => {
    const client = await getListenClient();
    if (changed.has(client)) return client;
    changed.add(client);
    const query = client.query.bind(client);
    let last: Promise<unknown> = Promise.resolve();
    client.query = (...values: Parameters<typeof query>) => {
      const answer = last.then(() => query(...values));
      last = answer.catch(() => {});
      return answer;
    };
    return client;
  };
}

/**
 * A server that dies between two steps of BullMQ's would end this process: pg throws what a connection reports that
 * nobody listens to at that moment. Whoever uses the connection next is told all the same.
 */
function surviveLosses(pool: pg.Pool): void {
  pool.on('connect', client => client.on('error', () => {}));
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

/**
 * SQLSTATE class 08, `57P01` to `57P03` and `53300`: the connection broke, or the server stops, starts or has too many;
 * `25006`: it takes no writes, as for a while after a failover; `40P01`: BullMQ's transactions were in each other's way.
 */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    /^(08|57P0[123]|53300|25006|40P01|E(CONN|HOST|NET|PIPE|TIMEDOUT|AI_AGAIN)|ENOTFOUND)/.test(
      failureCode(error),
    ) || /Connection terminated|timeout exceeded|timeout expired|read timeout/.test(error.message)
  );
}

/** Every look of BullMQ for the jobs of dead workers takes their marks away, for which it would read the table. */
const INDEXES = { mcp_await_job_stalled: '(queue) WHERE stalled_marked' };

/** Makes our indexes where they are not there. Without the right to, the same costs more. */
async function indexJobs(pool: pg.Pool): Promise<readonly StoreNotice[]> {
  const { rows } = await pool.query('SELECT indexname FROM pg_indexes WHERE schemaname = $1', [
    DEFAULT_SCHEMA,
  ]);
  const missing = Object.entries(INDEXES).filter(([name]) => !rows.some(row => row.indexname === name));
  try {
    for (const [name, columns] of missing) {
      await pool.query(`${LOCK}; CREATE INDEX IF NOT EXISTS ${name} ON job ${columns}`);
    }
    return [];
  } catch (error) {
    const indexes = missing.map(([name]) => name).join();
    const fields = { indexes, error: error instanceof Error ? error.message : String(error) };
    const message =
      'Our index could not be made, so looks for dead workers read all jobs: let the owner of the table bullmq.job start a server once.';
    return [{ level: 'warn', message, fields }];
  }
}
