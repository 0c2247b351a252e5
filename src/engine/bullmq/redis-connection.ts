import { createRedisBackend } from 'bullmq';
import { Redis } from 'ioredis';
import type { StoreNotice } from '../engine.js';
import { failureCode } from '../store-failure.js';
import { backendOptions, type QueueConnection, type QueueConnectOptions } from './queue-connection.js';
import { INSERT, redisRecords } from './redis-records.js';

/**
 * Why a Redis cannot keep tasks at all, and what an operator should know of it, from its answer to `INFO`.
 * What a server leaves out, as managed ones do, is taken to be in order.
 */
export function redisFacts(info: string): { readonly refusal?: string; readonly notices: StoreNotice[] } {
  const fact = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  if (fact('role') === 'slave') {
    return { refusal: 'it is a replica, which takes no tasks. Name its primary', notices: [] };
  }
  if (fact('cluster_enabled') === '1') {
    const refusal =
      'it is a Redis Cluster, which cannot keep a queue in one place. Name a Redis without cluster mode';
    return { refusal, notices: [] };
  }
  const notices: StoreNotice[] = [];
  const policy = fact('maxmemory_policy') ?? 'noeviction';
  const most = Number(fact('maxmemory') ?? 0);
  if (policy !== 'noeviction') {
    notices.push({
      level: 'error',
      message: 'The store may drop tasks when its memory is full: set its maxmemory-policy to noeviction',
      fields: { policy },
    });
  } else if (most > 0 && Number(fact('used_memory') ?? 0) >= most) {
    notices.push({
      level: 'error',
      message: 'The memory of the store is full: it takes no task until it has more',
      fields: { maxmemory: most },
    });
  }
  if (fact('aof_enabled') === '0') {
    notices.push({
      level: 'warn',
      message: 'The store keeps no append-only file: tasks are lost if it dies. Set its appendonly to yes',
      fields: {},
    });
  }
  return { notices };
}

const MAX_PAUSE_MS = 1000;

/** A connection that answers nothing for so long is given up: in time for locks to be renewed over another. */
const SILENCE_MS = 8000;

/** The word that there is a job goes to one worker of all, and is lost with that one. */
const MAX_IDLE_MS = 1000;

/** Connects to Redis or Valkey. */
export function connectRedis(
  url: string,
  { prefix, locks, onError = () => {} }: QueueConnectOptions,
): QueueConnection {
  const duplicates: Redis[] = [];
  // A command whose connection broke is sent again on the next one, for as long as its caller waits.
  const client = new Redis(url, {
    maxRetriesPerRequest: null,
    // ioredis 6 speaks RESP3 otherwise, in which the server nests pairs that stand flat in RESP2.
    ...{ protocol: 2 },
    socketTimeout: SILENCE_MS,
    retryStrategy: attempt => Math.min(attempt * 50, MAX_PAUSE_MS),
    // After a failover, the address may lead to the new primary.
    reconnectOnError: error => failureCode(error) === 'READONLY',
  });
  const redis = quietRedis(client, duplicate => duplicates.push(duplicate));
  redis.on('error', onError);
  const options = { connection: redis, prefix, ...backendOptions(locks) };
  const shared = createRedisBackend('tasks', options).on('error', () => {});
  const backend = (name: string) => shared.forQueue(name, prefix);
  const records = redisRecords(redis, { prefix, messages: operation => backend(operation).toKey('') });
  return {
    async ready() {
      // A database that does not exist is no reason for ioredis not to use the first one.
      await redis.select(redis.options.db ?? 0);
      const { refusal, notices } = redisFacts(String(await redis.call('INFO')));
      if (refusal !== undefined) throw new Error(refusal);
      await redis.script('LOAD', INSERT);
      return notices;
    },
    backend,
    waiting: name =>
      createRedisBackend(name, options, { withBlockingConnection: true }).on('error', () => {}),
    locks,
    records,
    maxIdleMs: MAX_IDLE_MS,
    async close() {
      for (const each of [redis, ...duplicates]) each.disconnect();
    },
  };
}

/**
 * Makes a client, and whatever is duplicated from it, tell BullMQ nothing of the eviction policy: BullMQ would warn of it
 * on the console, once for each connection. `redisFacts` reads it, and whoever opened the store is told.
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
