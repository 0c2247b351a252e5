import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { forget } from '../../src/cli/forget.js';
import type { CommandIo } from '../../src/cli/io.js';
import { JournalFile } from '../../src/client/journal/journal-file.js';
import { newCall, referenceOf } from '../client/journal/journal-fixture.js';

let folder: string;
let journal: JournalFile;
let told: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcp-await-forget-'));
  journal = new JournalFile(join(folder, 'journal.db'));
  told = '';
});

afterEach(async () => {
  journal.close();
  await rm(folder, { recursive: true });
});

const run = (name: string, force = false) =>
  forget(name, { force }, {
    env: { MCP_AWAIT_HOME: folder },
    stderr: {
      write(text: string) {
        told += text;
      },
    },
  } as unknown as CommandIo);
const lost = (key: string, server = 'one') => {
  const identity = { server: { kind: 'other', name: server }, distinction: server } as const;
  const { id } = journal.claim(newCall({ identity, idempotencyKey: key })).record;
  journal.accept(id, referenceOf(id));
  journal.lose(id, 'The server does not know the task.');
  return id;
};
const isKnown = (key: string) => !journal.claim(newCall({ idempotencyKey: key })).created;

describe('a job that its server has forgotten', () => {
  test.each([
    ['its key', (_id: string) => 'order-1'],
    ['its id', (id: string) => id],
    ['the beginning of its id', (id: string) => id.slice(0, 4)],
  ])('is forgotten here, too, by %s, and its key starts another', async (_case, nameOf) => {
    const id = lost('order-1');
    lost('order-12');
    expect(await run(nameOf(id))).toBe(0);
    expect(told).toBe(`Forgot ${id.slice(0, 6)} (\`bake\`). Its key \`order-1\` starts a new job.\n`);
    expect([isKnown('order-1'), isKnown('order-12')]).toEqual([false, true]);
  });

  test('is not guessed at where several have the key', async () => {
    const ids = [lost('order-1'), lost('order-1', 'two')];
    await expect(run('order-1')).rejects.toThrow(
      `Several jobs are named so: ${ids.join(', ')}. Give the id of one.`,
    );
    expect(await run(ids[1] as string)).toBe(0);
  });

  test('that nobody knows is an error', async () => {
    for (const name of ['order-2', 'abc', '']) {
      await expect(run(name)).rejects.toThrow(/The journal has no job with the id or the key .*list --all/);
    }
  });
});

test('A job that may still run is forgotten only by force', async () => {
  const { id } = journal.claim(newCall({ idempotencyKey: 'order-1' })).record;
  for (const accept of [() => {}, () => journal.accept(id, referenceOf('1'))]) {
    accept();
    await expect(run('order-1')).rejects.toThrow(/may still run.*mcp-await cancel.*forget --force/);
  }
  expect(await run('order-1', true)).toBe(0);
  expect(isKnown('order-1')).toBe(false);
  const unnamed = journal.claim(newCall({})).record;
  await expect(run(unnamed.id)).rejects.toThrow(/may still run, and its result would be lost\./);
});
