import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectClient, resolveTarget } from '../../../src/client/connect/connect.js';
import { resolveConnection } from '../../../src/client/connect/connection-options.js';
import { ConfigurationError } from '../../../src/errors.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';

const defaults = { connectTimeoutMs: 60_000, discover: true, maxAnswerBytes: 128 * 1024 * 1024 };

test.each([
  ['nobody says anything', {}, {}, defaults],
  [
    'the entry does',
    {},
    { connectTimeoutMs: 5, discover: false, maxAnswerBytes: 6 },
    { connectTimeoutMs: 5, discover: false, maxAnswerBytes: 6 },
  ],
  [
    'both do',
    { discover: true, maxAnswerBytes: 7 },
    { discover: false, connectTimeoutMs: 5 },
    { connectTimeoutMs: 5, discover: true, maxAnswerBytes: 7 },
  ],
])('where %s', (_what, options, entry, resolved) => {
  expect(resolveConnection(options, entry)).toEqual(resolved);
});

test.each([{ connectTimeoutMs: 0 }, { discover: 'no' as never }, { maxAnswerBytes: 1.5 }])(
  '%j is refused by name',
  async options => {
    const error = await failureOf(connectClient({ command: 'node' }, options));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toContain(`\`${Object.keys(options)[0]}\``);
  },
);

test('an entry of an `mcpServers` file may say them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-await-connection-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const configFile = join(folder, 'mcp.json');
  const said = { connectTimeoutMs: 90_000, discover: false, maxAnswerBytes: 1000 };
  const mcpServers = { command: { command: 'npx', ...said }, url: { url: 'http://127.0.0.1/mcp', ...said } };
  writeFileSync(configFile, JSON.stringify({ mcpServers }));
  expect(resolveTarget('command', configFile)).toMatchObject(said);
  expect(resolveTarget('url', configFile)).toMatchObject(said);
});
