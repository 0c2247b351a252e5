import { describeEngine } from '../conformance.js';
import { createFileStore, createMemoryStore } from './sqlite-store.js';

describeEngine('sqlite file', createFileStore, { severalHandles: true });
describeEngine('sqlite memory', createMemoryStore, {
  severalHandles: { no: 'a memory: store belongs to the handle that opened it' },
});
