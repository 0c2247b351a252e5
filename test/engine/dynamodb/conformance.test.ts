import { openEngine } from '../../../src/engine/open-engine.js';
import { describeWithAws } from '../../services/index.js';
import { describeEngine } from '../conformance.js';
import { createStore } from './create-store.js';

describeWithAws('with DynamoDB and SQS', aws => {
  describeEngine('on DynamoDB', {
    async createStore() {
      const url = aws().storeUrl(await createStore(aws()));
      return {
        open: ({ clock: _, ...options } = {}) => openEngine(url, options),
        async remove() {},
      };
    },
    skipped: {
      clock: 'machines that share a table have no clock in common: the engine reads the time itself',
      affinity: 'a queue on AWS belongs to all workers',
    },
  });
});
