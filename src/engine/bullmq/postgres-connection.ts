import {
  assertSchemaCompatibility,
  type BackendFactory,
  DEFAULT_SCHEMA,
  LATEST_SCHEMA_VERSION,
  type PgPool,
  PostgresConnection,
  PostgresQueueBackend,
  Queue,
  runMigrations,
  SchemaMigrationRequiredError,
  Worker,
} from 'bullmq';
import pg from 'pg';
import { failureCode } from '../store-failure.js';
import { byServerClock, type Query } from './postgres-clock.js';
import { PostgresEnds } from './postgres-ends.js';
import {
  hasPostgresJob,
  indexJobs,
  listPostgresJobs,
  newestPostgresJobs,
  postgresHead,
  postgresLeastPriority,
  replacePostgresData,
} from './postgres-jobs.js';
import {
  QUEUE_OPTIONS,
  type QueueConnection,
  type QueueConnectOptions,
  workerOptions,
} from './queue-connection.js';

/** An engine's share of the server's connections, 100 by default; one of them listens. */
const MAX_CONNECTIONS = 11;
const CONNECT_TIMEOUT_MS = 5000;
/** A connection that answers nothing for so long is given up. */
const SILENCE_MS = 8000;
/** The word that there is a job goes to all workers that listen. */
const MAX_IDLE_MS = 5000;

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
  const query = byServerClock(pool.query.bind(pool) as Query);
  Object.assign(pool, { query });
  // BullMQ's type asks for one signature where pg has a list of overloads.
  const bullmqPool = pool as unknown as PgPool;
  const connection = new PostgresConnection(bullmqPool);
  let lastError: Error | undefined;
  connection.on('error', error => {
    lastError = error;
  });
  // Every queue adds its listeners.
  connection.setMaxListeners(0);
  const shared: BackendFactory = (name, options) =>
    new PostgresQueueBackend(connection, name, { ...options, connection: {} });
  const named = (name: string) => `${prefix.replaceAll(':', '.')}.${name}`;
  const options = { connection: {}, ...QUEUE_OPTIONS, ...workerOptions(locks) };
  return {
    get lastError() {
      return lastError;
    },
    async ready() {
      await migrate(bullmqPool);
      await connection.waitUntilReady();
      return indexJobs(pool);
    },
    queue: name => new Queue(named(name), options, shared),
    backend: name => new PostgresQueueBackend(connection, named(name), options, false),
    replaceData: (name, change) => replacePostgresData(connection, named(name), change),
    hasJob: (name, jobId) => hasPostgresJob(connection, named(name), jobId),
    list: (name, state, page) => listPostgresJobs(connection, named(name), { ...page, state }),
    newest: (name, query) => newestPostgresJobs(connection, named(name), query),
    note: async () => {},
    forget: async () => {},
    prune: async () => {},
    head: name => postgresHead(connection, named(name)),
    leastPriority: name => postgresLeastPriority(connection, named(name)),
    worker: name => new Worker(named(name), null, options, shared),
    ends: (name, ends) => new PostgresEnds(connection, { ...ends, queue: named(name) }),
    maxIdleMs: MAX_IDLE_MS,
    isConnectionError,
    async close() {
      await connection.close();
      await pool.end();
    },
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
