import { hash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { failureCode } from '../store-failure.js';
import { ALL_STATUSES } from '../task-list.js';
import {
  type ChangeListener,
  type ChangeWord,
  LOOKED_AT,
  type Newest,
  type NewestQuery,
  type OfStatus,
  type RecordChange,
  type RecordStore,
} from './record-store.js';
import { RECORD_FIELDS, type TaskFields } from './task-fields.js';

/** A hash for each task, and sorted sets of references: by time of creation, by status, and by time of expiry. */
export const INSERT = `
local base, ref, key = KEYS[1], ARGV[1], ARGV[4]
if key ~= '' then
  local holder = redis.call('GET', base .. 'key:' .. key)
  if holder and holder ~= ref and redis.call('EXISTS', base .. holder) == 1 then return holder end
end
if redis.call('EXISTS', base .. ref) == 1 then return ref end
if key ~= '' then redis.call('SET', base .. 'key:' .. key, ref) end
redis.call('HSET', base .. ref, unpack(ARGV, 7))
redis.call('ZADD', base .. 'listed', ARGV[5], ref)
redis.call('ZADD', base .. 'listed:' .. ARGV[3], ARGV[5], ref)
redis.call('ZADD', base .. 'status:' .. ARGV[2] .. ':pending', ARGV[5], ref)
redis.call('ZADD', base .. 'expiry', ARGV[6], ref)
redis.call('SADD', base .. 'operations', ARGV[2])
return ref`;

/** What a run needs. */
const RUN_FIELDS = [...RECORD_FIELDS, 'parameters'] as const;

/** From ARGV[12] on, there are so many names and values as ARGV[11] says, and then the names of what is taken away. */
const CHANGE = `
local base, ref, sets = KEYS[1], ARGV[1], tonumber(ARGV[11])
local key = base .. ref
local before = redis.call('HMGET', key, 'status', 'worker', 'version', 'expiresAt', 'operation')
local status = before[1]
if not status or ARGV[2] ~= '' and not string.find(ARGV[2], status, 1, true) then return false end
if status ~= 'processing' and tonumber(before[4]) <= tonumber(ARGV[3]) then return false end
if ARGV[4] ~= '' and before[2] ~= ARGV[4] or ARGV[5] ~= '' and before[3] ~= ARGV[5] then return false end
redis.call('HSET', key, 'version', before[3] + 1, unpack(ARGV, 12, 11 + sets))
if #ARGV > 11 + sets then redis.call('HDEL', key, unpack(ARGV, 12 + sets)) end
if ARGV[7] ~= '' and ARGV[7] ~= status then
  local set = base .. 'status:' .. before[5] .. ':'
  redis.call('ZREM', set .. status, ref)
  redis.call('ZADD', set .. ARGV[7], ARGV[8], ref)
end
if ARGV[9] ~= '' then redis.call('ZADD', base .. 'expiry', ARGV[9], ref) end
if ARGV[6] ~= '' then redis.call('PUBLISH', base .. 'changes', ARGV[6] .. ' ' .. ref) end
if ARGV[10] == '' then return 1 end
redis.call('HINCRBY', key, 'runCount', 1)
return redis.call('HMGET', key, '${RUN_FIELDS.join("', '")}')`;

/** Entries are in the order of their scores and, within one, of their references; those up to ARGV[2] are left out. */
const NEWEST = `
local base, score, after, operation = KEYS[2], tonumber(ARGV[1]), ARGV[2], ARGV[6]
local limit = ARGV[3] + redis.call('ZCOUNT', KEYS[1], ARGV[1], ARGV[1])
local entries = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], '-inf', 'WITHSCORES', 'LIMIT', 0, limit)
local found, last = {}, #entries == 2 * limit and #entries - 1
for i = 1, #entries, 2 do
  local ref = entries[i]
  if tonumber(entries[i + 1]) < score or ref < after then
    local facts = redis.call('HMGET', base .. ref, 'status', 'operation')
    local isWanted = facts[1] and string.find(ARGV[5], facts[1], 1, true)
    if isWanted and (operation == '' or operation == facts[2]) then found[#found + 1] = ref end
    if #found == tonumber(ARGV[4]) then last = i break end
  end
end
return {last and entries[last + 1] or '', last and entries[last] or '', unpack(found)}`;

/** Of the tasks that run, those whose message is not locked by their worker. */
const LOST = `
local lost = {}
for _, ref in ipairs(redis.call('ZRANGE', KEYS[1], 0, ARGV[1])) do
  local worker = redis.call('HGET', ARGV[2] .. ref, 'worker')
  if worker and redis.call('GET', ARGV[3] .. ref .. ':lock') ~= worker then lost[#lost + 1] = {ref, worker} end
end
return lost`;

const REMOVE = `
local base = KEYS[1]
for i = 2, #ARGV do
  local ref = ARGV[i]
  local facts = redis.call('HMGET', base .. ref, 'status', 'expiresAt', 'operation', 'ownerDigest', 'key')
  if facts[1] and facts[1] ~= 'processing' and tonumber(facts[2]) <= tonumber(ARGV[1]) then
    if facts[5] and redis.call('GET', base .. 'key:' .. facts[5]) == ref then redis.call('DEL', base .. 'key:' .. facts[5]) end
    redis.call('ZREM', base .. 'status:' .. facts[3] .. ':' .. facts[1], ref)
    redis.call('ZREM', base .. 'listed', ref)
    redis.call('ZREM', base .. 'listed:' .. facts[4], ref)
    redis.call('ZREM', base .. 'expiry', ref)
    redis.call('DEL', base .. ref)
  elseif not facts[1] or facts[1] == 'processing' then redis.call('ZREM', base .. 'expiry', ref) end
end
return 0`;

const READ_FIELDS = [...RECORD_FIELDS, 'result'] as const;
/** Tasks that run and are looked at in one look for lost ones. */
const MAX_RUNNING = 5000;

export interface RedisRecordsOptions {
  /** Of the installation. */
  readonly prefix: string;
  /** What the keys of an operation's messages begin with. */
  readonly messages: (operation: string) => string;
}

const SCRIPTS = { change: CHANGE, newest: NEWEST, lost: LOST, remove: REMOVE };
type Values = readonly (string | number)[];
const INSERT_SHA = hash('sha1', INSERT);

/** The records on a Redis. */
export function redisRecords(redis: Redis, { prefix, messages }: RedisRecordsOptions): RecordStore {
  // No operation has a name that begins so.
  const base = `${prefix}:_records:`;
  for (const [name, lua] of Object.entries(SCRIPTS)) {
    redis.defineCommand(`task_${name}`, { lua, numberOfKeys: name === 'newest' ? 2 : 1 });
  }
  const commands = redis as unknown as Record<string, (...values: Values) => Promise<unknown>>;
  const run = (name: keyof typeof SCRIPTS, ...values: Values) =>
    commands[`task_${name}`]?.call(redis, ...values);

  async function readMany(taskRefs: readonly string[]): Promise<readonly TaskFields[]> {
    const answers = taskRefs.map(taskRef => redis.hmget(base + taskRef, ...RECORD_FIELDS));
    return (await Promise.all(answers)).map(toFields(RECORD_FIELDS)).filter(fields => fields !== undefined);
  }

  async function loadAgain(error: unknown): Promise<never> {
    if (failureCode(error) === 'NOSCRIPT') await redis.script('LOAD', INSERT);
    throw error;
  }

  return {
    isOrdered: true,
    async insert({ taskRef, operation, ownerDigest, key, createdAt, expiresAt, ...fields }) {
      const all = { taskRef, operation, ownerDigest, key, createdAt, expiresAt, ...fields };
      const set = Object.entries(all).flatMap(([name, value]) => (value == null ? [] : [name, value]));
      const indexed = [taskRef, operation, ownerDigest, key ?? '', Number(createdAt), Number(expiresAt)];
      // A script that ioredis sends again by itself would come after what was sent meanwhile.
      const inserted = redis.evalsha(INSERT_SHA, 1, base, ...indexed, ...set);
      return String(await inserted.catch(loadAgain));
    },
    async read(taskRef) {
      return toFields(READ_FIELDS)(await redis.hmget(base + taskRef, ...READ_FIELDS));
    },
    readMany,
    async holderOf(key) {
      return (await redis.get(`${base}key:${key}`)) ?? undefined;
    },
    async change(taskRef, { from, worker, version, set, word, begins = false }: RecordChange) {
      const entries = Object.entries(set);
      const sets = entries.flatMap(([name, value]) => (value == null ? [] : [name, String(value)]));
      const gone = entries.flatMap(([name, value]) => (value == null ? [name] : []));
      const condition = [from?.join() ?? '', Date.now(), worker ?? '', version ?? '', word ?? ''];
      const indexed = [set.status, set.updatedAt, set.expiresAt].map(value => String(value ?? ''));
      const values = [...condition, ...indexed, begins ? 'begins' : '', sets.length, ...sets, ...gone];
      const answer = (await run('change', base, taskRef, ...values)) as Answer | null;
      return answer === null ? undefined : begins ? toFields(RUN_FIELDS)(answer) : {};
    },
    async newest({ ownerDigest, operation = '', statuses, count, after }: NewestQuery): Promise<Newest> {
      const index = ownerDigest === undefined ? `${base}listed` : `${base}listed:${ownerDigest}`;
      const values = [after.createdAt, after.taskRef, LOOKED_AT, count, statuses.join(), operation];
      const [score, taskRef, ...refs] = (await run('newest', index, base, ...values)) as string[];
      const reached = score === '' ? undefined : { createdAt: Number(score), taskRef: String(taskRef) };
      return { tasks: await readMany(refs), reached };
    },
    async ofStatus({ operation, status, count, oldestFirst = false }: OfStatus) {
      const key = `${base}status:${operation}:${status}`;
      return readMany(
        await (oldestFirst ? redis.zrange(key, 0, count - 1) : redis.zrevrange(key, 0, count - 1)),
      );
    },
    operations: () => redis.smembers(`${base}operations`),
    async counts(operation) {
      const counted = ALL_STATUSES.map(status => redis.zcard(`${base}status:${operation}:${status}`));
      return Object.fromEntries(
        (await Promise.all(counted)).map((count, index) => [ALL_STATUSES[index], count]),
      );
    },
    async lost(operation) {
      const key = `${base}status:${operation}:processing`;
      const found = (await run('lost', key, MAX_RUNNING, base, messages(operation))) as [string, string][];
      return found.map(([taskRef, worker]) => ({ taskRef, worker }));
    },
    expired: count => redis.zrangebyscore(`${base}expiry`, '-inf', Date.now(), 'LIMIT', 0, count),
    async remove(taskRefs) {
      await run('remove', base, Date.now(), ...taskRefs);
    },
    async listen({ onWord, onGap }: ChangeListener) {
      const connection = redis.duplicate();
      connection.on('error', () => {});
      connection.on('message', (_channel: string, message: string) => {
        const [word = '', taskRef = ''] = message.split(' ');
        onWord(taskRef, word as ChangeWord);
      });
      await connection.subscribe(`${base}changes`);
      // It subscribes anew by itself.
      connection.on('ready', onGap);
    },
  };
}

type Answer = readonly (string | null)[];

function toFields(names: readonly string[]): (answer: Answer) => TaskFields | undefined {
  return answer =>
    answer[0] === null
      ? undefined
      : Object.fromEntries(names.map((name, index) => [name, answer[index] ?? null]));
}
