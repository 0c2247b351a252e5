import { expect, test } from 'vitest';
import { jsonServer, toolNamed } from '../fixtures/cli/json-server.js';
import { runMain } from '../fixtures/cli/memory-io.js';

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
