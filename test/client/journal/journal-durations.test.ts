import { afterEach, beforeEach, expect, test } from 'vitest';
import { Journal } from '../../../src/client/journal/journal.js';
import type { DurationHistory } from '../../../src/pacing/duration-memory.js';
import { DurationMemory } from '../../../src/pacing/duration-memory.js';
import { type JournalPlace, newJournalPlace } from './journal-fixture.js';

let place: JournalPlace;
beforeEach(async () => {
  place = await newJournalPlace();
});
afterEach(() => place.remove());

async function openJournal(file = place.file): Promise<Journal> {
  const journal = new Journal({
    file,
    required: false,
    identity: () => ({ server: { kind: 'other', name: 's' }, distinction: 's' }),
    onFailure() {},
  });
  await journal.open();
  return journal;
}

const pacing = { initialIntervalMs: 1000, backoffMultiplier: 2, maxIntervalMs: 30_000, jitter: 0 };

test('what one process has learned paces the waits of the next', async () => {
  const first = await openJournal();
  const memory = new DurationMemory(first.durations());
  for (let task = 0; task < 20; task++) memory.learn('tool', { end: [11_900, 12_000], saved: 0 });
  first.close();
  const next = await openJournal();
  expect(new DurationMemory(next.durations()).plan('tool', pacing, () => 0.5)).toBeDefined();
  expect(new DurationMemory(next.durations()).plan('other', pacing, () => 0.5)).toBeUndefined();
  next.close();
});

test('a journal that cannot be used leaves what this process has learned', async () => {
  const journal = await openJournal('/dev/null/journal.db');
  const store = journal.durations();
  const history: DurationHistory = { version: 1, ends: [[900, 1000]], count: 1, saved: 0 };
  store.set('tool', history);
  expect(store.get('tool')).toBe(history);
});
