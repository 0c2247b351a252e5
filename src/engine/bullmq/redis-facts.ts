import type { StoreNotice } from '../engine.js';

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
