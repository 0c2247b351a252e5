import { randomBytes } from 'node:crypto';
import { openEngine } from '../../../src/engine/open-engine.js';
import { describeWith, SERVICE_NAMES } from '../../services/index.js';
import { describeEngine } from '../conformance.js';

for (const name of SERVICE_NAMES) {
  describeWith(name, `with ${name}`, service => {
    describeEngine(`bullmq, on ${name}`, {
      async createStore() {
        const keyPrefix = `test_${randomBytes(6).toString('hex')}:`;
        return {
          open: ({ clock: _, ...options } = {}) => openEngine(service().url, { ...options, keyPrefix }),
          async remove() {},
        };
      },
      skipped: {
        clock: 'BullMQ reads the time itself',
        'taken-reference':
          'BullMQ takes a job that it knows for the same one; references are 128 random bits',
        affinity: 'a queue on a server belongs to all workers',
      },
    });
  });
}
