import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { forget } from '../../../src/cli/forget.js';
import type { CommandIo } from '../../../src/cli/io.js';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { AwaitEvent } from '../../../src/client/events.js';
import type { JournalFile } from '../../../src/client/journal/journal-file.js';
import { journalLimits } from '../../../src/client/journal/options.js';
import { type JournalPlace, newJournalPlace } from './journal-fixture.js';

const fixture = (path: string) => fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url));
const REASON = 'an earlier call has proved the pair';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcp-await-proved-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a pair that has proved itself to one client', () => {
  let server: string;

  beforeEach(async () => {
    server = join(folder, 'server.mjs');
    const text = await readFile(fixture('cli/job-server.mjs'), 'utf8');
    // The start takes no handle.
    await writeFile(
      server,
      text.replace(
        'tools[1].description',
        "tools[0].inputSchema = { type: 'object' };\ntools[1].description",
      ),
    );
  });

  const reasonsIn = (event: AwaitEvent | undefined, used = true) => {
    expect(event).toMatchObject({ type: 'pair-detected', statusTool: 'get_job_status', used });
    return event?.type === 'pair-detected' ? event.reasons : [];
  };

  /** What a client in a process of its own says of the pair. */
  async function newProcess(): Promise<readonly string[]> {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [fixture('detection/one-call.mjs'), join(folder, 'journal.db'), ...[process.execPath, server, '20']],
      { timeout: 60_000 },
    );
    return reasonsIn(JSON.parse(stdout)[0]);
  }

  /** What a new client says of the pair. */
  async function newClient({ journal = true, used = true } = {}): Promise<readonly string[]> {
    const events: AwaitEvent[] = [];
    const client = await AwaitClient.connect(
      { command: process.execPath, args: [server, '20'] },
      {
        journal: journal && { file: join(folder, 'journal.db') },
        initialIntervalMs: 10,
        onEvent: event => event.type === 'pair-detected' && events.push(event),
      },
    );
    await client.callTool({ name: 'start_job' });
    await client.close();
    return reasonsIn(events[0], used);
  }

  test('is known to the next, until a user forgets it', async () => {
    expect(await newProcess()).not.toContain(REASON);
    expect(await newProcess()).toContain(REASON);
    let told = '';
    const stderr = {
      write(text: string) {
        told += text;
      },
    };
    const io = { env: { MCP_AWAIT_HOME: folder }, stderr } as unknown as CommandIo;
    expect(await forget(undefined, { pairs: true }, io)).toBe(0);
    expect(told).toBe('Forgot 1 proved pair of tools.\n');
    expect(await newProcess()).not.toContain(REASON);
  });

  test('is forgotten once a tool has changed', async () => {
    await newClient();
    await writeFile(
      server,
      (await readFile(server, 'utf8')).replace('Returns the state', 'Returns the status and the state'),
    );
    expect(await newClient()).not.toContain(REASON);
  });

  test('is forgotten once the status tool knows nothing of a job', async () => {
    const text = await readFile(server, 'utf8');
    await writeFile(
      server,
      `import { existsSync } from 'node:fs';\n${text.replace('jobs.get(job_id);', "existsSync(process.argv[1] + '.lost') ? undefined : $&")}`,
    );
    await newClient();
    await writeFile(`${server}.lost`, '');
    expect(await newClient({ used: false })).toContain(REASON);
    await rm(`${server}.lost`);
    expect(await newClient()).not.toContain(REASON);
  });

  test('is unknown to a client without a journal', async () => {
    await newClient();
    expect(await newClient({ journal: false })).not.toContain(REASON);
  });
});

describe('the proved pairs of a journal', () => {
  const identity = (name: string) => ({ server: { kind: 'other', name }, distinction: name }) as const;
  const one = identity('one');
  let place: JournalPlace;
  let journal: JournalFile;

  beforeEach(async () => {
    place = await newJournalPlace();
    journal = place.open();
  });

  afterEach(() => place.remove());

  test('are those of one server, with the whole of both tools', () => {
    journal.prove(one, { start: { name: 'a', description: 'b' } });
    expect(journal.isProved(one, { start: { description: 'b', name: 'a' } })).toBe(true);
    expect(journal.isProved(one, { start: { description: 'c', name: 'a' } })).toBe(false);
    expect(journal.isProved(identity('two'), { start: { name: 'a', description: 'b' } })).toBe(false);
    journal.disprove(identity('two'), { start: { name: 'a', description: 'b' } });
    expect(journal.isProved(one, { start: { name: 'a', description: 'b' } })).toBe(true);
    journal.disprove(one, { start: { name: 'a', description: 'b' } });
    expect(journal.isProved(one, { start: { name: 'a', description: 'b' } })).toBe(false);
  });

  test('are bounded in number: the last are kept', () => {
    for (let index = 0; index <= journalLimits.proofs; index++) journal.prove(one, { index });
    expect(journal.isProved(one, { index: 0 })).toBe(false);
    expect(journal.isProved(one, { index: 1 })).toBe(true);
    expect(journal.forgetProofs()).toBe(journalLimits.proofs);
  });
});

test.each([
  [undefined, {}],
  ['order-1', { pairs: true }],
])('forget takes either a job or --pairs: %s %j', async (name, flags) => {
  await expect(forget(name, flags, {} as CommandIo)).rejects.toThrow(/--pairs/);
});
