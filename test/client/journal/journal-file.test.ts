import { readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JournalFile } from '../../../src/client/journal/journal-file.js';
import { journalLimits } from '../../../src/client/journal/options.js';
import { ConfigurationError } from '../../../src/errors.js';
import { openConnection } from '../../../src/storage/driver.js';
import { done, type JournalPlace, newCall, newJournalPlace, referenceOf } from './journal-fixture.js';

const DAY_MS = 24 * 60 * 60 * 1000;

let place: JournalPlace;
let now: number;
let journal: JournalFile;

beforeEach(async () => {
  place = await newJournalPlace();
  now = Date.UTC(2026, 10, 20);
  journal = place.open(() => now);
});

afterEach(() => place.remove());

const begin = (fields?: Parameters<typeof newCall>[0]) => journal.claim(newCall(fields)).record;
const ids = (all = true) => journal.list({ all }).map(record => record.id);

describe('a journal', () => {
  test('is readable by its user only', async () => {
    const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    expect([await modeOf(place.file), await modeOf(dirname(place.file))]).toEqual(['600', '700']);
  });

  test('holds neither arguments nor what tells callers apart', async () => {
    const identity = { server: { kind: 'other', name: 's' }, distinction: { token: 'SECRET1' } } as const;
    begin({ identity, call: { name: 'bake', arguments: { pin: 'SECRET2' } }, idempotencyKey: 'k' });
    const bytes =
      (await readFile(`${place.file}-wal`)).toString('latin1') + (await readFile(place.file, 'latin1'));
    expect(bytes).not.toMatch(/SECRET/);
    expect(bytes).toContain('bake');
  });

  test('of a newer version is left alone', () => {
    const database = openConnection(place.file, { timeoutMs: 1000 });
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => place.open()).toThrow(/journal .* was written by a newer version .*MCP_AWAIT_HOME/);
  });

  test('is read while another process writes, and not changed by it', () => {
    const { id } = begin();
    const other = openConnection(place.file, { timeoutMs: 0 });
    other.exec('BEGIN IMMEDIATE');
    const reader = place.open(() => now);
    expect(reader.list({ all: false })).toHaveLength(1);
    expect(reader.findByPrefix(id)).toHaveLength(1);
    other.exec('ROLLBACK');
    other.close();
  });

  test('that is no database says so', async () => {
    const other = `${place.file}.txt`;
    await writeFile(other, 'x'.repeat(5000));
    const { JournalFile } = await import('../../../src/client/journal/journal-file.js');
    expect(() => new JournalFile(other)).toThrow(ConfigurationError);
    expect(await readFile(other, 'utf8')).toBe('x'.repeat(5000));
  });
});

describe('a call', () => {
  test('goes from starting to delivered, and not back', () => {
    const { id } = begin();
    const states = [journal.find(id)?.state];
    const see = () => states.push(journal.find(id)?.state);
    journal.accept(id, referenceOf('a'));
    see();
    journal.note(id, { status: 'input_required', message: 'which flavour?' });
    expect(journal.find(id)).toMatchObject({ status: 'input_required', message: 'which flavour?' });
    journal.end(id, done());
    see();
    journal.deliver(id);
    see();
    journal.note(id, { status: 'working' });
    journal.end(id, done('again'));
    journal.lose(id, 'gone');
    journal.removeUnstarted(id);
    see();
    expect(states).toEqual(['starting', 'running', 'ended', 'delivered', 'delivered']);
    expect(journal.find(id)).toMatchObject({
      status: 'completed',
      outcome: done(),
      reference: referenceOf('a'),
    });
  });

  test('is found by its key once, by server and by tool', () => {
    const first = begin({ idempotencyKey: 'k' });
    const other = { server: first.server, distinction: 'two' };
    expect(journal.claim(newCall({ idempotencyKey: 'k' }))).toMatchObject({
      record: { id: first.id },
      created: false,
    });
    expect(begin({ idempotencyKey: 'k', identity: other }).id).not.toBe(first.id);
    expect(begin({ idempotencyKey: 'k', call: { name: 'eat' } }).id).not.toBe(first.id);
    expect(begin().id).not.toBe(begin().id);
  });

  test('has an id that no other call has, whatever is drawn', () => {
    const drawn = ['0000000001', '0000000001', '0000000002', '0000000001', '0000000003'];
    const other = place.open(undefined, () => drawn.shift() ?? '');
    const ids = [1, 2, 3].map(() => other.claim(newCall()).record.id);
    expect(ids).toEqual(['0000000001', '0000000002', '0000000003']);
  });

  test('has a digest of its arguments, whatever the order of their names', () => {
    const digest = (given: Record<string, unknown>) =>
      journal.argumentsDigest({ name: 'bake', arguments: given });
    expect(digest({ a: 1, b: 2 })).toBe(digest({ b: 2, a: 1 }));
    expect(digest({ a: 1 })).not.toBe(digest({ a: 2 }));
    expect(place.open().argumentsDigest({ name: 'bake', arguments: { a: 1 } })).toBe(digest({ a: 1 }));
  });

  test('is found by the beginning of its id, and by its reference', () => {
    const { id } = begin();
    journal.accept(id, referenceOf('a'));
    expect(journal.findByPrefix(id.slice(0, 6)).map(record => record.id)).toEqual([id]);
    expect(journal.findByPrefix('%')).toEqual([]);
    expect(journal.findByReference({ ...referenceOf('a'), startedAt: 'later' })).toMatchObject([{ id }]);
    expect(journal.findByReference(referenceOf('b'))).toEqual([]);
    const identity = { server: { kind: 'other', name: 'two' }, distinction: 'two' } as const;
    expect(journal.findByReference(referenceOf('a'), identity)).toEqual([]);
  });

  test('that nobody has restarted since is started anew', () => {
    const record = begin({ idempotencyKey: 'k' });
    now += 1;
    expect([journal.restart(record), journal.restart(record)]).toEqual([true, false]);
  });

  test('keeps texts with a NUL in them', () => {
    const { id } = begin({ idempotencyKey: 'a\0b' });
    journal.accept(id, referenceOf('a\0b'));
    journal.note(id, { status: 'working', message: 'x\0y' });
    journal.end(id, done('x\0y'));
    expect(journal.find(id)).toMatchObject({
      idempotencyKey: 'a b',
      reference: referenceOf('a\0b'),
      outcome: done('x\0y'),
    });
  });
});

describe('the list', () => {
  test('has the newest first, and those that were delivered only on request', () => {
    const [a, b, c] = ['a', 'b', 'c'].map(() => {
      now += 1;
      return begin().id;
    }) as [string, string, string];
    journal.end(a, done());
    journal.end(b, done());
    journal.deliver(b);
    expect([ids(), ids(false)]).toEqual([
      [c, b, a],
      [c, a],
    ]);
  });
});

describe('durations', () => {
  test('are remembered for other processes, those of the 1,000 tools that were used last', () => {
    expect(journal.history('a')).toBeUndefined();
    for (let tool = 0; tool <= journalLimits.durations; tool++) {
      now += 1;
      journal.remember(`tool ${tool}`, { tool });
    }
    now += 1;
    journal.remember('tool 0', { tool: 'again' });
    const other = place.open(() => now);
    expect(other.history('tool 0')).toEqual({ tool: 'again' });
    // The first call of a process cleans.
    other.claim(newCall());
    expect([other.history('tool 1'), other.history('tool 2')]).toEqual([undefined, { tool: 2 }]);
  });
});

describe('what is kept', () => {
  test('ends 30 days after the last that was heard, and after a day where there was no answer', () => {
    const [unanswered, keyed, running] = [begin(), begin({ idempotencyKey: 'k' }), begin()];
    journal.accept(running.id, referenceOf('a'));
    now += DAY_MS;
    journal.note(running.id, { status: 'working' });
    expect(ids()).not.toContain(unanswered.id);
    now += 29 * DAY_MS;
    expect(ids()).toEqual([running.id]);
    expect(journal.claim(newCall({ idempotencyKey: 'k' })).created).toBe(true);
    expect(journal.find(keyed.id)).toBeUndefined();
    now += 31 * DAY_MS;
    journal.clean();
    const database = openConnection(place.file, { timeoutMs: 1000 });
    expect(database.prepare('SELECT count(*) AS count FROM calls').all({})).toEqual([{ count: 0 }]);
    database.close();
  });

  test('is 10,000 calls at most, of which those that ended go first, the oldest of them before others', () => {
    const running = begin().id;
    now += 1;
    const oldest = begin().id;
    const younger = begin().id;
    for (const id of [oldest, younger]) {
      journal.end(id, done());
      now += 1;
    }
    for (let count = ids().length; count < journalLimits.rows + 1; count++) begin();
    journal.clean();
    expect(ids()).toHaveLength(journalLimits.rows);
    expect(journal.find(oldest)).toBeUndefined();
    expect(journal.find(younger)).toBeDefined();
    expect(journal.find(running)).toBeDefined();
  });

  test('stays within its bounds in a process that never opens it again', () => {
    for (let count = 0; count < journalLimits.rows + 2 * journalLimits.callsBetweenCleanings; count++)
      begin();
    expect(ids().length).toBeLessThanOrEqual(journalLimits.rows + journalLimits.callsBetweenCleanings);
  });

  test('is no outcome above its limit', () => {
    const [small, large] = [begin().id, begin().id];
    journal.end(small, done('x'.repeat(journalLimits.outcomeBytes - 100)));
    journal.end(large, done('x'.repeat(journalLimits.outcomeBytes)));
    expect(journal.find(small)?.outcome).toBeDefined();
    expect(journal.find(large)).toMatchObject({ state: 'ended', status: 'completed', outcome: undefined });
  });

  test('is 64 MiB of outcomes in all, of which those that were delivered go first', () => {
    const bytes = journalLimits.outcomeBytes - 100;
    const all = Array.from({ length: 70 }, () => {
      now += 1;
      const { id } = begin();
      journal.end(id, done('x'.repeat(bytes)));
      return id;
    });
    const [first, second, ...later] = all;
    for (const id of later) journal.deliver(id);
    journal.clean();
    const kept = all.filter(id => journal.find(id)?.outcome !== undefined);
    expect(kept.length).toBe(64);
    expect(kept).toContain(first);
    expect(kept).toContain(second);
    expect(kept).not.toContain(later[0]);
    expect(ids()).toHaveLength(70);
  });
});
