import { MapEngine } from '../fixtures/engine/map-store.js';
import { describeEngine } from './conformance.js';

describeEngine('on a Map', {
  createStore: async () => ({
    open: async ({ clock: _, ...options } = {}) => new MapEngine(options),
    remove: async () => {},
  }),
  skipped: {
    'several-handles': 'a Map belongs to its process, and is gone with it',
    affinity: 'a Map has one worker',
    clock: 'the store reads the time itself',
  },
});
