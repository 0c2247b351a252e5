import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { HELP } from '../../src/cli/help-text.js';
import { PLAIN_FLAGS, plainCommand } from '../../src/cli/plain-line.js';
import { buildProgram } from '../../src/cli/program.js';
import { VERSION } from '../../src/version.js';
import { runMain } from '../fixtures/cli/memory-io.js';

const stream = () => new PassThrough();
const io = {
  argv: [],
  stdin: stream(),
  stdout: stream(),
  stderr: stream(),
  env: {},
  cwd: () => '.',
  on() {},
  off() {},
};
const program = buildProgram(io, [], { onExit() {}, onProtocol() {} });

test('the help that is kept as data is what the program says of itself', async () => {
  const comment =
    '/** What `mcp-await --help` prints, as data: `npx vitest run test/cli/plain-line.test.ts --update` writes it. */';
  const source = `${comment}\nexport const HELP = \`${program.helpInformation()}\`;\n`;
  await expect(source).toMatchFileSnapshot('../../src/cli/help-text.ts');
});

test.each(Object.entries(PLAIN_FLAGS))('the plain flags of %s are flags of the command', (name, flags) => {
  const command = program.commands.find(each => each.name() === name);
  const booleans = command?.options.filter(({ required, optional }) => !required && !optional) ?? [];
  const known = booleans.map(option => option.attributeName());
  expect(flags.filter(flag => !known.includes(flag))).toEqual([]);
});

test.each([
  ['--help'],
  ['-h'],
  ['--version'],
  ['-V'],
  ['list'],
  ['list', '--all', '--json'],
  ['status', '0123'],
  ['status', '0123', '--json'],
])('%s %s is plain', (...words) => {
  expect(plainCommand(words, io)).toBeTypeOf('function');
});

test.each([
  [],
  ['--help', 'run'],
  ['run', '--help'],
  ['list', '--help'],
  ['list', 'all'],
  ['list', '--a'],
  ['status'],
  ['status', '-'],
  ['status', '--json'],
  ['status', '0123', '0124'],
  ['status', '0123', '--url', 'http://127.0.0.1/mcp'],
  ['cancel', '0123'],
])('%s %s %s is for the parser', (...words) => {
  expect(plainCommand(words, io)).toBeUndefined();
});

test('a terminal of fewer columns gets the help that the parser wraps', () => {
  const narrow = { ...io, stdout: Object.assign(stream(), { columns: 60 }) };
  expect(plainCommand(['--help'], narrow)).toBeUndefined();
});

test('a plain line and the parser answer the same', async () => {
  expect(await runMain(['--help'])).toEqual({ code: 0, stdout: HELP, stderr: '' });
  expect(await runMain(['--version'])).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
  const [plain, parsed] = [await runMain(['status', '0123']), await runMain(['status', '--', '0123'])];
  expect(plain).toMatchObject({ code: 2, stderr: expect.stringContaining('There is no job 0123') });
  expect(parsed.code).toBe(2);
  expect(await runMain(['list'])).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^No job is open/),
  });
});
