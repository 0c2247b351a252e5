import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { showStart } from '../../src/cli/terminal.js';
import { runMain } from '../fixtures/cli/memory-io.js';

function terminal({ isTTY = true, env = {} }: { isTTY?: boolean; env?: Record<string, string> } = {}) {
  const screen = new PassThrough({ encoding: 'utf8' });
  const stream = () => {
    const side = Object.assign(new PassThrough(), { isTTY });
    side.on('data', chunk => screen.write(chunk));
    return side;
  };
  const io = {
    argv: [],
    stdin: new PassThrough(),
    stdout: stream(),
    stderr: stream(),
    env,
    cwd: () => '.',
    on() {},
    off() {},
  };
  return { io, screen: () => screen.read() };
}

test.each(['stdout', 'stderr'] as const)('what is written to %s takes the place of the line', name => {
  const { io, screen } = terminal();
  const erase = showStart(['run', 'x'], io);
  io[name].write('one\n');
  io[name].write('two\n');
  erase();
  expect(screen()).toBe('starting…\r\u001b[Kone\ntwo\n');
});

test('status says that it begins where it asks a server, and not where it looks into the journal', async () => {
  const options = { isTTY: true, env: { CI: undefined, NO_COLOR: '1' } };
  const journal = await runMain(['status', '0123'], options);
  expect(journal.stderr).not.toContain('starting…');
  const server = await runMain(['status', 'task-1', '--url', 'http://127.0.0.1:1/mcp'], options);
  expect(server.stderr.startsWith('starting…\r\u001b[K')).toBe(true);
});

test('a command that writes nothing leaves no line', () => {
  const { io, screen } = terminal({ env: { LC_ALL: 'C' } });
  showStart(['wait', '0123'], io)();
  expect(screen()).toBe('starting~\r\u001b[K');
});

test.each<[string, string[], Parameters<typeof terminal>[0]]>([
  ['a command that is done at once', ['list'], {}],
  ['--quiet', ['run', 'x', '--quiet'], {}],
  ['a pipe', ['run', 'x'], { isTTY: false }],
  ['TERM=dumb', ['run', 'x'], { env: { TERM: 'dumb' } }],
])('%s shows no line', (_case, words, options) => {
  const { io, screen } = terminal(options);
  showStart(words, io);
  expect(screen()).toBeNull();
});
