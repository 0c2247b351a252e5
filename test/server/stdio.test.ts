import { once } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { describe, expect, test } from 'vitest';
import { serveStdio } from '../../src/server/stdio.js';

const service = () => ({
  server: new Server({ name: 'x', version: '1' }, { capabilities: {} }),
  offer: {} as never,
  principal: 'local',
  onError() {},
});

test('a client that has closed its side before the server listens has gone', async () => {
  const input = new PassThrough();
  input.end();
  input.resume();
  await once(input, 'end');
  const { gone } = await serveStdio(service(), { input, output: new PassThrough() });
  await expect(gone).resolves.toBeUndefined();
});

test('so has one whose line was broken before', async () => {
  const line = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  line.destroy();
  await once(line, 'close');
  const { gone } = await serveStdio(service(), { input: line, output: new PassThrough() });
  await expect(gone).resolves.toBeUndefined();
});

describe('a message of a client', () => {
  /** What the server says to a text on its input, and to its end. */
  async function answersTo(...texts: readonly string[]): Promise<Record<string, unknown>[]> {
    const input = new PassThrough();
    const output = new PassThrough();
    const { gone } = await serveStdio(service(), { input, output });
    for (const text of texts) input.write(text);
    input.end();
    await gone;
    output.end();
    const lines = (await output.toArray()).join('').trim().split('\n');
    return lines.filter(line => line !== '').map(line => JSON.parse(line));
  }
  const ping = (id: unknown, more: object = {}) =>
    JSON.stringify({ jsonrpc: '2.0', id, method: 'ping', ...more });

  test.each<[string, object]>([
    ['`params`', { params: null }],
    ['`_meta`', { params: { _meta: null } }],
    ['a progress token', { params: { _meta: { progressToken: null, 'a/b': 1 } } }],
    ['a parameter', { params: { cursor: null } }],
  ])('may have null for %s', async (_what, more) => {
    expect(await answersTo(`${ping(0, more)}\n`)).toEqual([{ jsonrpc: '2.0', id: 0, result: {} }]);
  });

  test('may come in parts, in a batch, after noise, and without a line break at the end', async () => {
    const split = `\ufeff${ping('a')}\r\n\nno JSON\n[${ping('b')},${ping('c')}]\n${ping('d')}`;
    const parts = [split.slice(0, 20), split.slice(20, 60), split.slice(60)];
    expect((await answersTo(...parts)).map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
  });

  test.each<[string, string, unknown, string]>([
    ['a list for parameters', ping(1, { params: [] }), 1, 'at params'],
    ['no id that MCP knows', ping(1.5), 1.5, 'at id'],
    ['null for its id', ping(null), null, 'at id'],
  ])('that has %s is refused', async (_what, text, id, member) => {
    expect(await answersTo(`${text}\n${ping('next')}\n`)).toMatchObject([
      { id, error: { code: -32600, message: expect.stringContaining(member) } },
      { id: 'next', result: {} },
    ]);
  });

  test.each([
    'null',
    '42',
    '{}',
    '[]',
    '{"jsonrpc":"2.0","method":1}',
    '{"jsonrpc":"2.0","id":1,"result":1}',
  ])('that is no request needs no answer: %s', async text => {
    expect(await answersTo(`${text}\n`)).toEqual([]);
  });
});
