import { Queue, QueueEvents, type QueueEventsListener, type QueueEventsOptions, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { failureCode } from '../failure-code.js';
import {
  CHANGE_EVENTS,
  END_EVENTS,
  type EndsOptions,
  QUEUE_OPTIONS,
  type QueueConnection,
  type QueueConnectOptions,
  type StoreEnds,
  workerOptions,
} from './queue-connection.js';
import { redisFacts } from './redis-facts.js';
import { listRedisJobs, redisHead, redisLeastPriority, replaceRedisData } from './redis-jobs.js';

/** A connection that is silent for much longer is taken to be lost. */
const MAX_READ_MS = 5000;

/** Events that the engine publishes itself. */
interface OwnListener extends QueueEventsListener {
  ended: (event: { jobId: string }) => void;
  changed: (event: { jobId: string }) => void;
}

const MAX_PAUSE_MS = 1000;

/** A connection that answers nothing for so long is given up: in time for locks to be renewed over another. */
const SILENCE_MS = 8000;

/** The word that there is a job goes to one worker of all, and is lost with that one. */
const MAX_IDLE_MS = 1000;

/** Connects to Redis or Valkey. */
export function connectRedis(url: string, { prefix, locks }: QueueConnectOptions): QueueConnection {
  const duplicates: Redis[] = [];
  // A command whose connection broke is sent again on the next one, for as long as its caller waits.
  const client = new Redis(url, {
    maxRetriesPerRequest: null,
    socketTimeout: SILENCE_MS,
    retryStrategy: attempt => Math.min(attempt * 50, MAX_PAUSE_MS),
    // After a failover, the address may lead to the new primary.
    reconnectOnError: error => failureCode(error) === 'READONLY',
  });
  const redis = quietRedis(client, duplicate => duplicates.push(duplicate));
  let lastError: Error | undefined;
  redis.on('error', error => {
    lastError = error;
  });
  const options = { connection: redis, prefix, ...QUEUE_OPTIONS, ...workerOptions(locks) };
  const backend = (name: string) => base.getBackend().forQueue(name, prefix);
  const base = new Queue('tasks', { ...options, skipMetasUpdate: true });
  base.on('error', () => {});
  return {
    get lastError() {
      return lastError;
    },
    async ready() {
      // A database that does not exist is no reason for ioredis not to use the first one.
      await redis.select(redis.options.db ?? 0);
      const { refusal, notices } = redisFacts(await readFacts(redis));
      if (refusal !== undefined) throw new Error(refusal);
      return notices;
    },
    queue: name => new Queue(name, options),
    backend,
    replaceData: (name, change) => replaceRedisData(redis, backend(name).toKey(change.job.id), change),
    hasJob: async (name, jobId) => (await redis.exists(`${prefix}:${name}:${jobId}`)) > 0,
    list: (name, state, page) => listRedisJobs(backend(name), state, page),
    head: name => redisHead(redis, backend(name)),
    leastPriority: name => redisLeastPriority(redis, backend(name)),
    worker: name => new Worker(name, null, options),
    ends: (name, ends) => redisEnds(name, { connection: redis, prefix }, ends),
    maxIdleMs: MAX_IDLE_MS,
    isConnectionError,
    async close() {
      await base.close();
      // Those of workers and readers of events have quit by now, unless the server is away.
      for (const each of [redis, ...duplicates]) each.disconnect();
    },
  };
}

/** What a failover or a restart makes a server answer for a while, and what the system says of a connection. */
function isConnectionError(error: unknown): boolean {
  return /^(READONLY|LOADING|MASTERDOWN|E(CONN|HOST|NET|PIPE|TIMEDOUT|AI_AGAIN)|ENOTFOUND)/.test(
    failureCode(error),
  );
}

/**
 * Makes a client, and whatever is duplicated from it, tell BullMQ nothing of the eviction policy: BullMQ would warn of it
 * on the console, once for each connection. `redisFacts` reads it with `readFacts`, and whoever opened the store is told.
 */
function quietRedis(redis: Redis, onDuplicate: (duplicate: Redis) => void): Redis {
  const duplicate = redis.duplicate.bind(redis);
  const info: (...values: unknown[]) => Promise<string> = redis.info.bind(redis) as never;
  return Object.assign(redis, {
    info: async (...values: unknown[]) => {
      const answer = await info(...values);
      return answer.replace(/^maxmemory_policy:.*$/m, '');
    },
    duplicate(...override: Parameters<Redis['duplicate']>) {
      const other = quietRedis(duplicate(...override), onDuplicate);
      onDuplicate(other);
      return other;
    },
  });
}

/** The whole answer of `INFO`. */
async function readFacts(redis: Redis): Promise<string> {
  return String(await redis.call('INFO'));
}

/** Tells of the ends of a queue's tasks, over a connection of its own. */
function redisEnds(
  queue: string,
  options: QueueEventsOptions,
  { since, onEnd, onChange }: EndsOptions,
): StoreEnds {
  const events = new QueueEvents(queue, { ...options, lastEventId: since, blockingTimeout: MAX_READ_MS });
  const listener = ({ jobId }: { jobId: string }) => onEnd(jobId);
  // It makes its connection anew by itself.
  events.on('error', () => {});
  for (const event of END_EVENTS) events.on<OwnListener>(event, listener);
  const changeListener = ({ jobId }: { jobId: string }) => onChange(jobId);
  for (const event of CHANGE_EVENTS) events.on<OwnListener>(event, changeListener);
  return events;
}
