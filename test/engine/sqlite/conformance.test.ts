import { describeEngine } from '../conformance.js';
import { createFileStore, createMemoryStore } from './sqlite-store.js';

describeEngine('sqlite, in a file', { createStore: createFileStore });

describeEngine('sqlite, in memory', {
  createStore: createMemoryStore,
  skipped: { 'several-handles': 'a store in memory belongs to its engine' },
});
