import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JournalFile, type NewJournalCall } from '../../../src/client/journal/journal-file.js';
import type { Outcome, TaskReference } from '../../../src/types.js';

export interface JournalPlace {
  readonly file: string;
  /** Opens the file, as one process of several would. */
  open(clock?: () => number, newId?: () => string): JournalFile;
  remove(): Promise<void>;
}

/** A journal in a folder of its own. */
export async function newJournalPlace(): Promise<JournalPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-journal-'));
  const file = join(folder, 'state', 'journal.db');
  const opened: JournalFile[] = [];
  return {
    file,
    open(clock, newId) {
      const journal = new JournalFile(file, clock, newId);
      opened.push(journal);
      return journal;
    },
    async remove() {
      for (const journal of opened) journal.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const newCall = (fields: Partial<NewJournalCall> = {}): NewJournalCall => ({
  identity: { server: { kind: 'other', name: 'one' }, distinction: 'one' },
  call: { name: 'bake', arguments: { layers: 3 } },
  protocol: 'tool-pair',
  idempotencyKey: undefined,
  ...fields,
});

export const referenceOf = (id: string): TaskReference => ({
  version: 1,
  protocol: 'tool-pair',
  tool: 'bake',
  handle: { pair: 'mcp-await', id },
  startedAt: '2026-11-20T10:00:00.000Z',
});

export const done = (text = 'done'): Outcome => ({
  status: 'completed',
  result: { content: [{ type: 'text', text }] },
});
