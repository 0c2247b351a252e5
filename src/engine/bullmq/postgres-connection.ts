import {
  type BackendFactory,
  PostgresConnection,
  PostgresQueueBackend,
  Queue,
  QueueEvents,
  Worker,
} from 'bullmq';
import { AttentiveBackend } from './attentive-backend.js';
import { failureCode } from './failure-code.js';
import {
  type ConnectOptions,
  QUEUE_OPTIONS,
  type QueueConnection,
  workerOptions,
} from './queue-connection.js';

/** An engine's share of the server's connections, 100 by default; one more listens. */
const MOST_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 5000;

/**
 * Connects to PostgreSQL and brings BullMQ's tables, in the schema `bullmq`, up to date. All queues share one pool,
 * and one connection that listens.
 */
export function connectPostgres(url: string, { prefix, locks }: ConnectOptions): QueueConnection {
  const connection = new PostgresConnection({
    connectionString: url,
    migrate: true,
    max: MOST_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  let lastError: Error | undefined;
  connection.on('error', error => {
    lastError = error;
  });
  // Every queue adds its listeners.
  connection.setMaxListeners(0);
  const shared: BackendFactory = (name, options) =>
    new PostgresQueueBackend(connection, name, { ...options, connection: {} });
  const attentive: BackendFactory = (name, options) => new AttentiveBackend(connection, name, options);
  const named = (name: string) => `${prefix.replaceAll(':', '.')}.${name}`;
  const options = { connection: {}, ...QUEUE_OPTIONS, ...workerOptions(locks) };
  return {
    get lastError() {
      return lastError;
    },
    async ready() {
      await connection.waitUntilReady();
      return [];
    },
    queue: name => new Queue(named(name), options, shared),
    backend: name => new PostgresQueueBackend(connection, named(name), options, false),
    worker: name => new Worker(named(name), null, options, shared),
    events: (name, lastEventId) => new QueueEvents(named(name), { connection: {}, lastEventId }, attentive),
    isConnectionError,
    close: () => connection.close(),
  };
}

/**
 * SQLSTATE class 08, `57P01` to `57P03` and `53300`: the connection broke, or the server stops, starts or has too many;
 * `25006`: it takes no writes, as for a while after a failover.
 */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    /^(08|57P0[123]|53300|25006|E(CONN|HOST|NET|PIPE|TIMEDOUT|AI_AGAIN)|ENOTFOUND)/.test(
      failureCode(error),
    ) || /Connection terminated|timeout exceeded|timeout expired/.test(error.message)
  );
}
