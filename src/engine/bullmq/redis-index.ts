import type { IQueueBackend } from 'bullmq';
import type { ChainableCommander, Redis } from 'ioredis';
import type { ListPosition } from '../task-list.js';
import type { RecordStatus } from '../task-record.js';
import { LOOKED_AT, type NewestQuery, type NotedJob } from './queue-connection.js';

/**
 * What lists of tasks stand on, beside BullMQ's own sets, which tell neither an owner nor a time of creation: per queue
 * one sorted set of all its jobs and one for each owner, by time of creation. A member is a reference and the digest of
 * its owner.
 */
const INDEX = 'listed';

/** Adds jobs to the index. It is done before they are added themselves, so that no job is missing there. */
export async function noteRedisJobs(
  redis: Redis,
  backend: IQueueBackend,
  jobs: readonly NotedJob[],
): Promise<void> {
  const entries = new Map<string, (number | string)[]>();
  for (const { taskRef, ownerDigest, createdAt } of jobs) {
    for (const key of [indexKey(backend), indexKey(backend, ownerDigest)])
      entries.set(key, [...(entries.get(key) ?? []), createdAt, `${taskRef} ${ownerDigest}`]);
  }
  const pipeline = redis.pipeline();
  for (const [key, scoresAndMembers] of entries) pipeline.zadd(key, ...scoresAndMembers);
  await settled(pipeline.exec());
}

/** Takes jobs out of the index that are no longer there, or never came. */
export async function forgetRedisJobs(
  redis: Redis,
  backend: IQueueBackend,
  jobs: readonly NotedJob[],
): Promise<void> {
  const pipeline = redis.pipeline();
  for (const { taskRef, ownerDigest } of jobs) {
    for (const key of [indexKey(backend), indexKey(backend, ownerDigest)])
      pipeline.zrem(key, `${taskRef} ${ownerDigest}`);
  }
  await settled(pipeline.exec());
}

/** Entries are in the order of their scores and, within one, of their references; those up to `after` are left out. */
const NEWEST = `
local wants = {}
for letter in string.gmatch(ARGV[5], '.') do wants[letter] = true end
local limit = ARGV[3] + redis.call('ZCOUNT', KEYS[1], ARGV[1], ARGV[1])
local entries = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], '-inf', 'WITHSCORES', 'LIMIT', 0, limit)
local found, last = {}, #entries == 2 * limit and #entries - 1
for i = 1, #entries, 2 do
  local ref = string.match(entries[i], '^%S+')
  if tonumber(entries[i + 1]) < tonumber(ARGV[1]) or ref < ARGV[2] then
    local key = ARGV[6] .. ref
    local facts = redis.pcall('HMGET', key, 'timestamp', 'finishedOn', 'failedReason')
    if not facts.err and facts[1] then
      local kind = not facts[2] and 'u' or (facts[3] or '') == '' and 'c' or 'f'
      local isWanted = wants[kind]
      if kind == 'u' and wants['f'] and not isWanted then
        local data = redis.call('HGET', key, 'data') or ''
        isWanted = string.find(data, '"lost":{', 1, true) or string.find(data, '"cancelled":{', 1, true)
      end
      if isWanted then found[#found + 1] = ref end
      if #found == tonumber(ARGV[4]) then last = i break end
    end
  end
end
return {last and entries[last + 1] or '', last and string.match(entries[last], '^%S+') or '', unpack(found)}`;

/** What tells on Redis how a task stands, at least roughly: unfinished, completed, or failed and cancelled. */
const KINDS: Readonly<Record<RecordStatus, string>> = {
  pending: 'u',
  processing: 'u',
  completed: 'c',
  failed: 'f',
  cancelled: 'f',
};

export interface NewestRefs {
  readonly taskRefs: readonly string[];
  readonly reached: ListPosition | undefined;
}

/** See `QueueConnection.newest`. */
export async function newestRedisRefs(
  redis: Redis,
  backend: IQueueBackend,
  { ownerDigest, statuses, count, after }: NewestQuery,
): Promise<NewestRefs> {
  const kinds = new Set(statuses.map(status => KINDS[status]));
  const values = [after.createdAt, after.taskRef, LOOKED_AT, count, [...kinds].join(''), backend.toKey('')];
  const answer = await redis.eval(NEWEST, 1, indexKey(backend, ownerDigest), ...values);
  const [score, taskRef, ...taskRefs] = answer as [string, string, ...string[]];
  return { taskRefs, reached: score === '' ? undefined : { createdAt: Number(score), taskRef } };
}

const PRUNE = `
local stale = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
  local ref, owner = string.match(member, '^(%S+) (%S+)$')
  if redis.call('EXISTS', ARGV[3] .. ref) == 0 then
    redis.call('ZREM', KEYS[1], member)
    redis.call('ZREM', KEYS[1] .. ':' .. owner, member)
    stale[#stale + 1] = ref
  end
end
return #stale`;

/** See `QueueConnection.prune`: many at a time, and no more for now where the oldest are all still there. */
export async function pruneRedisIndex(
  redis: Redis,
  backend: IQueueBackend,
  createdBefore: number,
): Promise<void> {
  const values = [createdBefore, LOOKED_AT, backend.toKey('')];
  while (Number(await redis.eval(PRUNE, 1, indexKey(backend), ...values)) > 0);
}

function indexKey(backend: IQueueBackend, ownerDigest?: string): string {
  return backend.toKey(ownerDigest === undefined ? INDEX : `${INDEX}:${ownerDigest}`);
}

/** Of a pipeline, each command answers for itself. */
async function settled(answers: ReturnType<ChainableCommander['exec']>): Promise<void> {
  const [error] = ((await answers) ?? []).flatMap(([failure]) => failure ?? []);
  if (error !== undefined) throw error;
}
