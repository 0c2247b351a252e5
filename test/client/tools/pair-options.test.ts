import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import {
  type PairProfile,
  pairsFor,
  parsePairs,
  resolvePairOptions,
} from '../../../src/client/tools/pair-options.js';
import { ConfigurationError } from '../../../src/errors.js';
import { pairServer } from '../../fixtures/pairs/pair-server.js';

const pair: PairProfile = {
  name: 'bakery',
  start: { tool: 'bake', handleAt: 'ticket' },
  status: { tool: 'look', handleArgument: 'ticket', statusAt: 'oven' },
  words: { 'golden brown': 'completed', burnt: 'failed', 'in the oven': 'working' },
};

const clients: AwaitClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function connect(...parameters: Parameters<typeof AwaitClient.connect>) {
  const client = await AwaitClient.connect(parameters[0], {
    initialIntervalMs: 2,
    discoverTimeoutMs: 0,
    ...parameters[1],
  });
  clients.push(client);
  return client;
}

const json = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value) }] });

const bakery = (end: 'completed' | 'failed') =>
  pairServer(
    {
      pair,
      call: { name: 'bake', arguments: { cake: 'plum' } },
      ids: ['t1'],
      started: json({ ticket: 't1' }),
      running: [json({ oven: 'In The Oven' })],
      ends: { completed: json({ oven: 'golden-brown', cake: 'plum' }), failed: json({ oven: 'BURNT' }) },
    },
    end,
  );

function configFile(entry: unknown): string {
  const file = join(mkdtempSync(join(tmpdir(), 'pairs-')), 'mcp.json');
  writeFileSync(file, JSON.stringify({ mcpServers: { bakery: entry } }));
  return file;
}

describe('a pair that the user tells of', () => {
  test.each([
    ['completed', undefined],
    ['failed', true],
  ] as const)('in an option is awaited, and %s', async (end, isError) => {
    const { url } = await bakery(end);
    const client = await connect(url, { pairs: [pair] });
    const result = await client.callTool({ name: 'bake', arguments: { cake: 'plum' } });
    expect(result.isError).toBe(isError);
    expect(result.content).toMatchObject([
      { text: expect.stringContaining(end === 'failed' ? 'BURNT' : 'plum') },
    ]);
  });

  test('in the file of a named server is awaited', async () => {
    const { url } = await bakery('completed');
    const client = await connect('bakery', { configFile: configFile({ url, pairs: [pair] }) });
    expect(await client.callTool({ name: 'bake', arguments: {} })).toEqual(
      json({ oven: 'golden-brown', cake: 'plum' }),
    );
    expect((await client.explainTools()).find(({ tool }) => tool === 'bake')?.why).toContain('`bakery`');
  });

  test('comes before one of the file, and both before what is built in', () => {
    const given = { ...pair, name: 'mine' };
    const file = configFile({ url: 'http://127.0.0.1:1', pairs: [pair, 'apify'] });
    expect(pairsFor('bakery', { pairs: [given], configFile: file })).toMatchObject([
      { name: 'mine' },
      { name: 'bakery' },
      { name: 'apify' },
    ]);
    expect(pairsFor('http://127.0.0.1:1', { pairs: [given] })).toEqual([given]);
  });

  test('travels in the reference, so that a process that knows nothing of it goes on', async () => {
    const { url } = await bakery('completed');
    const task = await (await connect(url, { pairs: [pair] })).startTool({ name: 'bake', arguments: {} });
    task.detach();
    const resumed = await (await connect(url)).resumeTask(JSON.parse(JSON.stringify(task.reference)));
    expect((await resumed.result()).isError).toBeUndefined();
  });
});

describe('what is no profile', () => {
  test.each<[string, unknown, RegExp]>([
    ['no list', {}, /Expected `pairs` to be a list/],
    ['an unknown name', ['apifi'], /names the profile `apifi`.*Did you mean `apify`/],
    ['a name like no other', ['nonsense'], /`nonsense`, which is not built in\. There are: /],
    ['a number', [1], /`pairs`, entry 1 is no profile/],
    [
      'a field too few',
      [{ name: 'x', start: { tool: 'a', handleAt: 'id' } }],
      /entry 1 \(profile `x`\).*status/,
    ],
    ['a field too many', [{ ...pair, colour: 'red' }], /colour/],
    [
      'a path into the prototype',
      [{ ...pair, status: { ...pair.status, handleArgument: 'a.__proto__' } }],
      /expected keys of data/,
    ],
    ['a word for no state', [{ ...pair, words: { done: 'finished' } }], /words/],
    ['a name with blanks', [{ ...pair, name: 'a b' }], /expected letters/],
  ])('is refused: %s', (_what, pairs, message) => {
    expect(() => parsePairs(pairs, '`pairs`')).toThrow(ConfigurationError);
    expect(() => parsePairs(pairs, '`pairs`')).toThrow(message);
  });

  test('is refused before anything is connected', async () => {
    await expect(AwaitClient.connect('http://127.0.0.1:1', { pairs: ['nobody'] })).rejects.toThrow(
      ConfigurationError,
    );
    expect(() => resolvePairOptions({ detect: 1 as never })).toThrow(/`detect`/);
  });

  test('is told with its file and its server', () => {
    const file = configFile({ url: 'http://127.0.0.1:1', pairs: ['nobody'] });
    expect(() => pairsFor('bakery', { configFile: file })).toThrow(
      /`pairs` of the server `bakery` in .*mcp.json names/,
    );
  });
});
