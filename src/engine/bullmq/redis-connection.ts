import { Queue, QueueEvents, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import {
  type ConnectOptions,
  QUEUE_OPTIONS,
  type QueueConnection,
  workerOptions,
} from './queue-connection.js';

const LONGEST_PAUSE_MS = 1000;

/** Connects to Redis or Valkey. */
export function connectRedis(url: string, { prefix, locks }: ConnectOptions): QueueConnection {
  // A command whose connection broke is sent again on the next one, for as long as its caller waits.
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    retryStrategy: attempt => Math.min(attempt * 50, LONGEST_PAUSE_MS),
  });
  let lastError: Error | undefined;
  redis.on('error', error => {
    lastError = error;
  });
  const options = { connection: redis, prefix, ...QUEUE_OPTIONS, ...workerOptions(locks) };
  const base = new Queue('tasks', { ...options, skipMetasUpdate: true });
  base.on('error', () => {});
  return {
    get lastError() {
      return lastError;
    },
    async ready() {
      await redis.ping();
    },
    queue: name => new Queue(name, options),
    backend: name => base.getBackend().forQueue(name, prefix),
    worker: name => new Worker(name, null, options),
    events: (name, lastEventId) => new QueueEvents(name, { connection: redis, prefix, lastEventId }),
    isConnectionError: () => false,
    async close() {
      await base.close();
      redis.disconnect();
    },
  };
}
