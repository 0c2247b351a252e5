import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { CommandIo } from '../../src/cli/io.js';
import { holdJob } from '../../src/cli/keep.js';
import { JournalFile } from '../../src/client/journal/journal-file.js';
import { newCall, referenceOf } from '../client/journal/journal-fixture.js';

afterEach(() => {
  vi.useRealTimers();
});

test('a job that ends while its hold is written is let go, and nothing keeps the process alive', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-keep-'));
  const journal = new JournalFile(join(folder, 'journal.db'));
  const { id } = journal.claim(newCall()).record;
  journal.accept(id, referenceOf(id));
  const holds = vi.spyOn(JournalFile.prototype, 'holdClaims');
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const io = { env: { MCP_AWAIT_HOME: folder } } as unknown as CommandIo;
  holdJob(id, io, { onCancel: () => {}, onForgotten: () => {} })[Symbol.dispose]();
  await vi.waitFor(() => expect(holds).toHaveBeenCalledTimes(2));
  expect(holds).toHaveBeenLastCalledWith([id], 0);
  await new Promise(resolve => setImmediate(resolve));
  expect(vi.getTimerCount()).toBe(0);
  expect(journal.find(id)?.claimUntil).toBeLessThanOrEqual(Date.now());
  journal.close();
  await rm(folder, { recursive: true });
});
