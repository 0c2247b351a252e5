import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { ConnectOptions } from '../../../src/client/connect/connect.js';
import { OutcomeUnknownError, ProtocolViolationError, ServerUnavailableError } from '../../../src/errors.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';

const script = fileURLToPath(new URL('../../fixtures/client/odd-stdio-server.mjs', import.meta.url));
const odd = (way: string, detail = '') => ({ command: process.execPath, args: [script, way, detail] });

async function connected(way: string, detail = '', options: ConnectOptions = {}) {
  const client = await AwaitClient.connect(odd(way, detail), options);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

describe.concurrent('a server on standard streams is understood that', () => {
  test.each([
    ['ends well when it is asked for its generation', 'first', '0'],
    ['ends badly when it is asked for its generation', 'first', '1'],
    ['dies when it is asked for its generation', 'first', 'signal'],
    ['refuses everything once something came before `initialize`', 'spoilt', ''],
    ['refuses the version and names another', 'version', '2025-06-18'],
    ['gives ids back as text', 'text', ''],
    ['reads numbers as ids only', 'numbers', ''],
    ['writes words before its answers', 'words', ''],
    ['writes two messages on one line', 'glued', ''],
    ['writes no line break after its answers', 'unterminated', ''],
    ['writes `"error": null` beside its results', 'null', ''],
    ['writes more than is usual', 'large', '3000000'],
  ])('%s', async (_what, way, detail) => {
    await using client = await connected(way, detail);
    const { content } = await client.callTool({ name: 'other' });
    expect(content).toMatchObject([{ type: 'text' }]);
    // Again after its process was started again.
    await failureOf(client.callTool({ name: 'end' }));
    expect((await client.callTool({ name: 'work' })).content).toHaveLength(1);
  });

  test('is not asked for its generation where that is not wanted', async () => {
    await using client = await connected('first', '1', { discover: false });
    expect((await client.callTool({ name: 'work' })).content).toHaveLength(1);
  });
});

describe.concurrent('what goes wrong is told as what it is:', () => {
  test('no version in common, in the words of the server', async () => {
    const error = await failureOf(AwaitClient.connect(odd('version', '1999-01-01')));
    expect(error).toBeInstanceOf(ServerUnavailableError);
    expect(error.message).toContain('Unsupported protocol version');
  });

  test('the end of the process, with its code and its last words, at once', async () => {
    await using client = await connected('none');
    const error = await failureOf(client.callTool({ name: 'end' }));
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect(error.message).toMatch(/ended with exit code 7; it last wrote to standard error: last words/);
  });

  test('the end of a process whose child holds its pipes', async () => {
    await using client = await connected('parent');
    const error = await failureOf(client.callTool({ name: 'end' }));
    expect(error.message).toMatch(/ended with exit code 7/);
  });

  test.each(['5000', '200000'])('an answer that is nested %s levels deep', async levels => {
    await using client = await connected('deep', levels);
    const error = await failureOf(client.callTool({ name: 'work' }));
    expect(error).toBeInstanceOf(ProtocolViolationError);
    expect(error.message).toMatch(/nested more than 1000 levels deep/);
  });

  test('an answer whose result is no object', async () => {
    await using client = await connected('no-object');
    const error = await failureOf(client.callTool({ name: 'work' }));
    expect(error).toBeInstanceOf(ProtocolViolationError);
    expect(error.message).toMatch(/`result` is no object/);
  });

  test('an answer that is too large; the connection and other answers stay', async () => {
    await using client = await connected('large', '3000000', { maxAnswerBytes: 1024 * 1024 });
    const [error, other] = await Promise.all([
      failureOf(client.callTool({ name: 'work' })),
      client.callTool({ name: 'other' }),
    ]);
    expect(error).toBeInstanceOf(ProtocolViolationError);
    expect(error.message).toMatch(/larger than 1 MiB \(`maxAnswerBytes`, --max-answer-bytes\)/);
    expect(other.content).toEqual([{ type: 'text', text: 'small' }]);
  });

  test('an answer without end', async () => {
    await using client = await connected('endless', '', { maxAnswerBytes: 1024 * 1024 });
    const error = await failureOf(client.callTool({ name: 'work' }));
    expect(error.message).toMatch(/larger than 1 MiB \(`maxAnswerBytes`/);
  });
});

test('a server that says on its standard error what it does is waited for', async () => {
  await using client = await connected('slow', '1500', { connectTimeoutMs: 1000 });
  expect((await client.callTool({ name: 'work' })).content).toHaveLength(1);
});
