import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JournalFile } from '../../src/client/journal/journal-file.js';
import { jsonServer, toolNamed } from '../fixtures/cli/json-server.js';
import { runMain } from '../fixtures/cli/memory-io.js';
import { BIN } from './command.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'output-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

const answering = () =>
  jsonServer(({ method }) => {
    if (method === 'tools/list') return { result: { tools: [toolNamed('echo')] } };
    return method === 'tools/call' ? { result: { content: [{ type: 'text', text: 'hi' }] } } : undefined;
  });

const commands = [
  ['--help'],
  ['--version'],
  ['config'],
  ['config', '--json'],
  ['list', '--json'],
  ['stats', '--json'],
];

test.each(commands)('%s %s ends quietly when nobody reads its output', async (...words) => {
  const { code, stderr } = await runMain(words, { stdoutFails: 'EPIPE' });
  expect(code).toBe(141);
  expect(stderr).toBe(
    'Standard output did not take everything that was printed: its reader has closed it (EPIPE).\n',
  );
});

test.each(commands)('%s %s says so when its output meets a full disk', async (...words) => {
  const { code, stderr } = await runMain(words, { stdoutFails: 'ENOSPC' });
  expect(code).toBe(6);
  expect(stderr).toMatch(/the disk is full; free some space, or print to another place \(ENOSPC\)\.\n$/);
});

test('a result that cannot be printed is told with the commands that get it, and is not taken for delivered', async () => {
  const url = await answering();
  const plain = await runMain(['run', 'echo', '--url', url, '--quiet'], { stdoutFails: 'EIO' });
  expect(plain.code).toBe(6);
  expect(plain.stderr).toContain('the terminal or the disk has failed (EIO)');
  const listed = await runMain(['tools', '--url', url], { stdoutFails: 'EPIPE' });
  expect(listed.code).toBe(141);
});

test('a command whose messages nobody reads does its work all the same', async () => {
  const url = await answering();
  expect(await runMain(['run', 'echo', '--url', url], { stderrFails: 'EPIPE' })).toMatchObject({
    code: 0,
    stdout: 'hi\n',
  });
  expect(
    await runMain(['run', 'nope', '--url', url], { stderrFails: 'EPIPE', stdoutFails: 'EPIPE' }),
  ).toEqual({ code: 2, stdout: '', stderr: '' });
});

test.each([[['run', 'echo', '--']], [['proxy', '--']], [['tools', '--', '']], [['load', '--', ' ']]])(
  '%j is refused: the command after -- is missing',
  async words => {
    const { code, stderr } = await runMain(words);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^There is no command after `--`/);
  },
);

/** Runs a command as a process that prints to this file, which stays as it was opened: Node would let its child wait. */
async function printsTo(fd: number, words: readonly string[]) {
  const child = spawn('sh', ['-c', 'exec "$@" >&3', 'sh', process.execPath, BIN, ...words], {
    env: { ...process.env, MCP_AWAIT_HOME: home },
    stdio: ['ignore', 'ignore', 'pipe', fd],
  });
  let stderr = '';
  child.stderr?.on('data', chunk => {
    stderr += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, stderr };
}

test.runIf(process.platform === 'linux')('a process says so when its output meets a full disk', async () => {
  const full = openSync('/dev/full', 'w');
  const { code, stderr } = await printsTo(full, ['list', '--json']);
  closeSync(full);
  expect(code).toBe(6);
  expect(stderr).toMatch(/the disk is full; free some space, or print to another place \(ENOSPC\)\.\n$/);
});

test.skipIf(process.platform === 'win32')('a pipe that is full and does not wait loses nothing', async () => {
  const pipe = join(home, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const from = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const to = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  const journal = new JournalFile(join(home, 'journal.db'));
  const identity = { server: { kind: 'other', name: 'x' }, distinction: 'x' } as const;
  const call = { identity, protocol: 'sync', idempotencyKey: undefined };
  for (let count = 0; count < 200; count++) journal.claim({ ...call, call: { name: 'x'.repeat(500) } });
  journal.close();
  const finished = printsTo(to, ['list', '--json']);
  let text = '';
  const read = () => {
    const buffer = Buffer.alloc(8192);
    try {
      for (let bytes = -1; bytes !== 0; text += buffer.toString('latin1', 0, bytes))
        bytes = readSync(from, buffer);
    } catch {
      // Nothing is left in it.
    }
  };
  const reading = setInterval(read, 20);
  const { code, stderr } = await finished;
  clearInterval(reading);
  read();
  closeSync(to);
  closeSync(from);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(text)).toHaveLength(200);
});
