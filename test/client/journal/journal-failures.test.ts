import { rm } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { JournalFile } from '../../../src/client/journal/journal-file.js';
import type { JournalOptions } from '../../../src/client/journal/options.js';
import { ConfigurationError, OutcomeUnknownError } from '../../../src/errors.js';
import { openConnection } from '../../../src/storage/driver.js';
import { awaitFixture, failureOf } from '../../fixtures/client/await-fixture.js';
import { completed, pairTools, startCall, started, working } from '../../fixtures/client/scripted-pair.js';
import { held, type Script, text } from '../../fixtures/client/scripted-server.js';
import { done, type JournalPlace, newCall, newJournalPlace, referenceOf } from './journal-fixture.js';

const key = { idempotencyKey: 'order-1' };
let place: JournalPlace;

beforeEach(async () => {
  place = await newJournalPlace();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await place.remove();
});

const newProcess = (scripts: Readonly<Record<string, Script>>, journal: JournalOptions = {}) =>
  awaitFixture(scripts, {
    initialIntervalMs: 1,
    maxIntervalMs: 1,
    journal: { file: place.file, ...journal },
  });

/** Another process's write lock on the journal. */
function lockJournal(): { release(): void } {
  place.open();
  const database = openConnection(place.file, { timeoutMs: 1000 });
  database.exec('BEGIN IMMEDIATE');
  return {
    release() {
      database.exec('ROLLBACK');
      database.close();
    },
  };
}

const records = () => place.open().list({ all: true });

describe('a journal that is open and cannot be written', () => {
  const full = () => {
    throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
  };

  test('sends nothing, says why, and is used again as soon as it can be', async () => {
    const { client, server } = await newProcess(pairTools(completed, started()));
    await client.callTool(startCall);
    const before = server.calls.length;
    const claim = vi.spyOn(JournalFile.prototype, 'claim').mockImplementation(full);
    for (const options of [undefined, key]) {
      const error = await failureOf(client.callTool(startCall, undefined, options));
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(error.message).toMatch(
        /The journal .*journal\.db cannot be written: .* No call is sent without the journal, unless .*--no-journal/,
      );
      expect(error.message).toMatch(/disk is full.*required: false.*--no-journal/);
    }
    expect(server.calls).toHaveLength(before);
    claim.mockRestore();
    expect((await client.callTool(startCall, undefined, key)).structuredContent).toEqual({ answer: 42 });
  });

  test('is told, and the call sent without it, where it is not required', async () => {
    const { client, events } = await newProcess(pairTools(completed), { required: false });
    vi.spyOn(JournalFile.prototype, 'claim').mockImplementation(full);
    expect((await client.callTool(startCall, undefined, key)).structuredContent).toEqual({ answer: 42 });
    expect(events.filter(({ type }) => type === 'journal-failed')).toHaveLength(1);
  });

  test('after the start was sent lets the call go on, and no later one unrecorded', async () => {
    const late = held(started());
    const { client, server } = await newProcess(pairTools([working, completed], late.reply));
    const call = client.callTool(startCall);
    await vi.waitFor(() => expect(server.calls).toHaveLength(1));
    vi.spyOn(JournalFile.prototype, 'accept').mockImplementation(full);
    const claim = vi.spyOn(JournalFile.prototype, 'claim').mockImplementation(full);
    late.release();
    expect((await call).structuredContent).toEqual({ answer: 42 });
    const sent = server.calls.length;
    expect(await failureOf(client.callTool(startCall))).toBeInstanceOf(ConfigurationError);
    expect(server.calls).toHaveLength(sent);
    // Not even a crash makes a second job: the row says that the start may have been sent.
    claim.mockRestore();
    expect(records()).toMatchObject([{ state: 'starting' }]);
  });
});

describe('a journal that another process has locked', () => {
  test('keeps the call back without holding up the event loop, and is written once it is free', async () => {
    const { client, server } = await newProcess(pairTools(completed));
    const lock = lockJournal();
    const call = client.callTool(startCall, undefined, key);
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    expect(server.calls).toEqual([]);
    lock.release();
    expect((await call).structuredContent).toEqual({ answer: 42 });
    await vi.waitFor(() => expect(records()).toMatchObject([{ state: 'delivered' }]));
  });

  test('for too long is an error, and nothing is sent', async () => {
    const { client, server } = await newProcess(pairTools(completed));
    const lock = lockJournal();
    const now = performance.now.bind(performance);
    let passedMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + passedMs);
    const failure = failureOf(client.callTool(startCall, undefined, key));
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    passedMs = 5000;
    const error = await failure;
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(/another process has held its lock for over 5 s/);
    expect(server.calls).toEqual([]);
    lock.release();
  });

  test('while the job is accepted learns of it once it is free', async () => {
    const late = held(started());
    const { client, server } = await newProcess(pairTools(working, late.reply));
    const seen = place.open();
    const starting = client.startTool(startCall, key);
    await vi.waitFor(() => expect(server.calls).toHaveLength(1));
    const lock = lockJournal();
    late.release();
    await starting;
    expect(seen.list({ all: true })).toMatchObject([{ state: 'starting' }]);
    lock.release();
    await client.close();
    expect(records()).toMatchObject([{ state: 'running', reference: { handle: { ids: ['task-1'] } } }]);
  });
});

test('A journal whose file was deleted while it was open is made anew before the next call is sent', async () => {
  const { client } = await newProcess(pairTools(completed));
  await client.callTool(startCall);
  for (const suffix of ['', '-wal', '-shm']) await rm(`${place.file}${suffix}`, { force: true });
  await client.callTool(startCall, undefined, key);
  await nextTurn();
  expect(records()).toMatchObject([{ idempotencyKey: 'order-1', state: 'delivered' }]);
});

describe('a damaged record', () => {
  const damage = (column: string, value: string) => {
    const journal = place.open();
    const { record } = journal.claim(newCall({ idempotencyKey: 'damaged' }));
    journal.accept(record.id, referenceOf('1'));
    if (column === 'outcome') journal.end(record.id, done());
    const database = openConnection(place.file, { timeoutMs: 1000 });
    database.prepare(`UPDATE calls SET ${column} = :value WHERE id = :id`).run({ value, id: record.id });
    database.close();
    return journal;
  };

  test.each([
    ['server', '{'],
    ['server', '{"kind":"http"}'],
    ['reference', 'garbage'],
    ['reference', '5'],
    ['outcome', '{"status":"completed"}'],
  ])('with %s %s breaks neither the list nor what is read by its key', (column, value) => {
    const journal = damage(column, value);
    journal.claim(newCall({ idempotencyKey: 'sound' }));
    const listed = journal.list({ all: true });
    expect(listed.map(({ isReadable }) => isReadable).toSorted()).toEqual([false, true]);
    expect(listed.find(({ isReadable }) => !isReadable)).toMatchObject({
      status: 'unknown',
      message: 'The record of this call cannot be read.',
    });
    expect(journal.claim(newCall({ idempotencyKey: 'damaged' })).created).toBe(false);
  });

  test('without its outcome is no leave to run the tool again', async () => {
    const first = await newProcess({ bake: text('a cake') });
    await first.client.callTool({ name: 'bake' }, undefined, key);
    const database = openConnection(place.file, { timeoutMs: 1000 });
    database.exec(`UPDATE calls SET outcome = '{'`);
    database.close();
    const next = await newProcess({ bake: text('another cake') });
    const error = await failureOf(next.client.callTool({ name: 'bake' }, undefined, key));
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect(error.message).toContain('its record cannot be read');
    expect(next.server.calls).toEqual([]);
  });
});
