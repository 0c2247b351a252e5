import { expect, test } from 'vitest';
import { isPlainlyStdio } from '../../src/cli/config/choose-transport.js';
import { withoutStore } from '../../src/cli/stdio-relay.js';

test.each<[string, string[], string[], string | undefined]>([
  [
    'a word of its own',
    ['serve', '--store', 'redis://u:p@h', '--stdio'],
    ['serve', '--stdio'],
    'redis://u:p@h',
  ],
  ['one word', ['serve', '--store=redis://u:p@h'], ['serve'], 'redis://u:p@h'],
  ['none', ['serve', '--stdio'], ['serve', '--stdio'], undefined],
  [
    "another program's",
    ['proxy', '--', 'mcp-await', 'serve', '--store', 'sqlite:x'],
    ['proxy', '--', 'mcp-await', 'serve', '--store', 'sqlite:x'],
    undefined,
  ],
])('the store goes from the words to the environment: %s', (_form, words, rest, store) => {
  const { words: left, hidden } = withoutStore(words);
  expect(left).toEqual(rest);
  expect(Object.values(hidden)).toEqual(store === undefined ? [] : [store]);
});

const ioWith = (env: Record<string, string>) => ({ env, cwd: () => '/nowhere' }) as never;

test.each<[string, boolean]>([
  ['serve', true],
  ['serve --stdio --concurrency 2', true],
  ['proxy --url http://h/', true],
  ['serve --http', false],
  ['serve --port 1 --http', false],
  ['serve --settings x.json', false],
  ['serve --settings=x.json', false],
  ['serve --help', false],
  ['proxy -h', false],
])('`%s` speaks on the standard streams for sure: %s', (line, isPlain) => {
  expect(isPlainlyStdio(line.split(' '), ioWith({}))).toBe(isPlain);
});

test.each(['MCP_AWAIT_SERVER_TRANSPORT', 'MCP_AWAIT_CONFIG'])('%s may say otherwise', name => {
  expect(isPlainlyStdio(['serve'], ioWith({ [name]: 'http' }))).toBe(false);
  expect(isPlainlyStdio(['serve', '--stdio'], ioWith({ [name]: 'http' }))).toBe(true);
});
