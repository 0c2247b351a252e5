import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { SentSecrets, secretVariables } from '../../../src/client/connection/sent-secrets.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';

const failed = (message: string, data: unknown): JSONRPCMessage => ({
  jsonrpc: '2.0',
  id: 1,
  error: { code: -32000, message, data },
});

test.each<[string, unknown, unknown]>([
  ['a text', 'a s3cret-key', 'a …'],
  ['a text with quotes', { said: '"s3cret-key"' }, { said: '"…"' }],
  ['the name of a field', [{ 's3cret-key': 1 }], [{ '…': 1 }]],
  ['a number like a secret', { code: 12345678 }, { code: 12345678 }],
  ['nothing', undefined, undefined],
])('the data of an error is masked where it is %s', (_what, data, expected) => {
  const secrets = new SentSecrets(['Bearer s3cret-key', '12345678', 'short']);
  expect(secrets.withoutSecrets(failed('no s3cret-key, short', data))).toEqual(
    failed('no …, short', expected),
  );
});

test('variables are secret by their names', () => {
  const env = { API_KEY: 'a', GITHUB_TOKEN: 'b', DB_PASSWORD: 'c', LOG_LEVEL: 'd', HOME: 'e' };
  expect(secretVariables(env)).toEqual(['a', 'b', 'c']);
});

/** Answers a call with an error that repeats its environment. */
const SERVER = `
const capabilities = { tools: {} };
require('node:readline').createInterface({ input: process.stdin }).on('line', line => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const answer = method === 'initialize'
    ? { result: { protocolVersion: params.protocolVersion, capabilities, serverInfo: { name: 'x', version: '1' } } }
    : method === 'tools/list'
      ? { result: { tools: [{ name: 'a', inputSchema: { type: 'object' } }] } }
      : { error: { code: -32000, message: 'no ' + process.env.API_KEY, data: { ...process.env } } };
  console.log(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
});`;

test('an error over stdio repeats no secret that was handed on', async () => {
  const env = { API_KEY: 's3cret-key', MODE: 'ordinary' };
  const client = await AwaitClient.connect({ command: process.execPath, args: ['-e', SERVER], env });
  const error = await failureOf(client.callTool({ name: 'a' }));
  expect(error.message).toContain('no …');
  expect(JSON.stringify(error)).not.toContain('s3cret-key');
  await client.close();
});
