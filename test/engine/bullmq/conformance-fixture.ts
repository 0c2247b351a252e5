import { randomBytes } from 'node:crypto';
import { openEngine } from '../../../src/engine/open-engine.js';
import type { Service } from '../../services/service-process.js';
import type { EngineFixture } from '../conformance.js';

/** The engine on one server; each store has keys of its own. */
export function bullmqFixture(service: () => Service): EngineFixture {
  return {
    async createStore() {
      const keyPrefix = `test_${randomBytes(6).toString('hex')}:`;
      return {
        open: ({ clock: _, ...options } = {}) => openEngine(service().url, { ...options, keyPrefix }),
        async remove() {},
      };
    },
    skipped: {
      clock: 'BullMQ reads the time itself',
      'taken-reference': 'BullMQ takes a job that it knows for the same one; references are 128 random bits',
      affinity: 'a queue on a server belongs to all workers',
    },
  };
}
