import type { IQueueBackend } from 'bullmq';
import { expect, test } from 'vitest';
import { KnownOperations } from '../../../src/engine/bullmq/known-operations.js';
import { StoreCalls } from '../../../src/engine/store-calls.js';

function setUp() {
  const written: string[][] = [];
  let failures = 0;
  const registry = {
    setQueueMeta: async (names: Readonly<Record<string, number>>) => {
      written.push(Object.keys(names));
      if (failures-- > 0) throw new Error('refused');
    },
  };
  const calls = new StoreCalls({ label: 'a store', isConnectionError: () => false });
  const known = new KnownOperations(registry as unknown as IQueueBackend, calls);
  return {
    known,
    written,
    failNext() {
      failures = 1;
    },
  };
}

test('an operation is written once, however many tasks come at the same time', async () => {
  const { known, written } = setUp();
  await Promise.all(Array.from({ length: 100 }, () => known.add('echo')));
  await known.add('echo');
  await known.add('other');
  expect(written).toEqual([['echo'], ['other']]);
});

test('one that could not be written is written with the next task', async () => {
  const { known, written, failNext } = setUp();
  failNext();
  await expect(known.add('echo')).rejects.toThrow();
  await known.add('echo');
  expect(written).toEqual([['echo'], ['echo']]);
});
