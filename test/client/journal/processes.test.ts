import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { projectRoot } from '../../architecture/source-files.js';
import { type JournalPlace, newJournalPlace } from './journal-fixture.js';

const PROCESSES = 4;
const KEYS = 150;

let place: JournalPlace;
beforeEach(async () => {
  place = await newJournalPlace();
});
afterEach(() => place.remove());

const distUrl = (name: string) => JSON.stringify(pathToFileURL(join(projectRoot, 'dist', name)).href);

/** Claims every key, plays each call that it got to its end, and prints the keys of these. */
const PROGRAM = (file: string) => `
  const { JournalFile } = await import(${distUrl('client/journal/journal-file.js')});
  const { whenUnlocked } = await import(${distUrl('storage/file-lock.js')});
  const journal = await whenUnlocked(() => new JournalFile(${JSON.stringify(file)}));
  const identity = { server: { kind: 'other', name: 's' }, distinction: 's' };
  const mine = [];
  for (let key = 0; key < ${KEYS}; key++) {
    const call = { identity, call: { name: 'bake' }, protocol: 'tool-pair', idempotencyKey: String(key) };
    const { record, created } = await whenUnlocked(() => journal.claim(call));
    if (!created) continue;
    mine.push(key);
    await whenUnlocked(() => journal.accept(record.id, { version: 1, protocol: 'tool-pair', tool: 'bake', handle: key, startedAt: '' }));
    await whenUnlocked(() => journal.end(record.id, { status: 'completed', result: { content: [{ type: 'text', text: String(key) }] } }));
    await whenUnlocked(() => journal.deliver(record.id));
  }
  journal.close();
  process.stdout.write(JSON.stringify(mine));
`;

test('processes that open one journal at the same moment share its keys, and nothing is lost', async () => {
  const run = promisify(execFile);
  const claimed = await Promise.all(
    Array.from({ length: PROCESSES }, () =>
      run(process.execPath, ['--input-type=module', '-e', PROGRAM(place.file)]),
    ),
  );
  const keys = claimed.flatMap(({ stdout }) => JSON.parse(stdout) as number[]);
  expect(keys.toSorted((a, b) => a - b)).toEqual(Array.from({ length: KEYS }, (_, key) => key));
  const records = place.open().list({ all: true });
  expect(records).toHaveLength(KEYS);
  for (const { state, reference, idempotencyKey } of records) {
    expect([state, String(reference?.handle)]).toEqual(['delivered', idempotencyKey]);
  }
});
