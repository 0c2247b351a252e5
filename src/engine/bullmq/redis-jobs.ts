import type { IQueueBackend } from 'bullmq';
import type { Redis } from 'ioredis';
import { failureCode } from '../store-failure.js';
import type { StoredJob } from './job-record.js';
import type { DataChange, NewestJobs, NewestQuery, Page, QueueHead, QueueState } from './queue-connection.js';
import { newestRedisRefs } from './redis-index.js';

/** `data` and `ats`, the number of starts, are fields of BullMQ's hash of a job. */
const REPLACE_DATA = `
local data = redis.call('HGET', KEYS[1], 'data')
if data == ARGV[2] then return 1 end
if data ~= ARGV[1] or (redis.call('HGET', KEYS[1], 'ats') or '0') ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'data', ARGV[2])
return 1`;

/** See `QueueConnection.replaceData`. `key` is that of the job's hash. */
export async function replaceRedisData(
  redis: Redis,
  key: string,
  { job, data }: DataChange,
): Promise<boolean> {
  return (await redis.eval(REPLACE_DATA, 1, key, job.data, data, job.attemptsStarted)) === 1;
}

/** See `QueueConnection.list`. */
export async function listRedisJobs(
  backend: IQueueBackend,
  state: QueueState,
  { start, count, oldestFirst = false }: Page,
): Promise<readonly StoredJob[]> {
  const [ids = []] = await backend.getRanges([state], start, start + count - 1, oldestFirst);
  // Lists are read from their heads, where the newest are, in whichever order they are asked for.
  const isList = state === 'waiting' || state === 'active';
  const inOrder: readonly string[] = isList && oldestFirst ? ids.toReversed() : ids;
  return readJobs(backend, inOrder);
}

/** See `QueueConnection.newest`. */
export async function newestRedisJobs(
  redis: Redis,
  backend: IQueueBackend,
  query: NewestQuery,
): Promise<NewestJobs> {
  const { taskRefs, reached } = await newestRedisRefs(redis, backend, query);
  return { jobs: await readJobs(backend, taskRefs), reached };
}

async function readJobs(backend: IQueueBackend, ids: readonly string[]): Promise<readonly StoredJob[]> {
  const jobs = await Promise.all(
    ids.map(async id => {
      const json = await backend.getJobData(id).catch(error => {
        // What stands under the name of a job is no job: no reason to refuse the others.
        if (failureCode(error) === 'WRONGTYPE') return undefined;
        throw error;
      });
      return json && { ...json, id };
    }),
  );
  return jobs.filter(job => job !== undefined);
}

const HEAD = `
local id, priority = redis.call('LINDEX', KEYS[1], -1), 0
if not id then
  local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  if not first[1] then return nil end
  id, priority = first[1], math.floor(tonumber(first[2]) / 0x100000000)
end
return {id, priority, redis.call('HGET', ARGV[1] .. id, 'data') or '{}'}`;

/** See `QueueConnection.head`. */
export async function redisHead(redis: Redis, backend: IQueueBackend): Promise<QueueHead | undefined> {
  const keys = [backend.toKey('wait'), backend.toKey('prioritized')];
  const found = (await redis.eval(HEAD, 2, ...keys, backend.toKey(''))) as [string, number, string] | null;
  return found === null ? undefined : { taskRef: found[0], priority: found[1], data: found[2] };
}

/** See `QueueConnection.leastPriority`: a score is the priority, and below 2^32 a counter. */
export async function redisLeastPriority(redis: Redis, backend: IQueueBackend): Promise<number> {
  const [, score = '0'] = await redis.zrange(backend.toKey('prioritized'), 0, '0', 'WITHSCORES');
  return Math.floor(Number(score) / 2 ** 32);
}
