import type { Redis } from 'ioredis';

/**
 * Makes a client, and whatever is duplicated from it, tell BullMQ nothing of the eviction policy: BullMQ would warn of it
 * on the console, once for each connection. `redisFacts` reads it with `readFacts`, and whoever opened the store is told.
 */
export function quietRedis(redis: Redis, onDuplicate: (duplicate: Redis) => void): Redis {
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
export async function readFacts(redis: Redis): Promise<string> {
  return String(await redis.call('INFO'));
}
