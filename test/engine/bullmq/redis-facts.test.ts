import { expect, it } from 'vitest';
import { redisFacts } from '../../../src/engine/bullmq/redis-connection.js';

function info(facts: Record<string, string | number>): string {
  const all = { role: 'master', maxmemory: 0, maxmemory_policy: 'noeviction', aof_enabled: 1, ...facts };
  return Object.entries(all)
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('');
}

it('has nothing to say of a server that keeps its promises', () => {
  expect(redisFacts(info({}))).toEqual({ notices: [] });
});

it('takes what a managed server leaves out to be in order', () => {
  expect(redisFacts('redis_version:7.0.0\r\n')).toEqual({ notices: [] });
});

it('refuses a replica', () => {
  expect(redisFacts(info({ role: 'slave' })).refusal).toMatch(/replica.*Name its primary/);
});

it('refuses a cluster', () => {
  expect(redisFacts(info({ cluster_enabled: 1 })).refusal).toMatch(/Redis Cluster.*without cluster mode/);
});

it.each([
  ['evicts keys', { maxmemory_policy: 'allkeys-lru' }, 'error', /set its maxmemory-policy to noeviction/],
  ['is full', { maxmemory: 800, used_memory: 900 }, 'error', /memory of the store is full/],
  ['keeps no append-only file', { aof_enabled: 0 }, 'warn', /Set its appendonly to yes/],
])('tells that a server %s', (_case, facts, level, message) => {
  expect(redisFacts(info(facts)).notices).toEqual([
    { level, message: expect.stringMatching(message), fields: expect.anything() },
  ]);
});
