import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { timeoutOf } from '../../src/client/connect/mcp-config-entry.js';
import { Patience } from '../../src/proxy/patience.js';
import { newHome } from './proxy-host.js';
import { startHttpProxy } from './proxy-http.js';

test.each([
  ['what the operator says is first', 7000, 'claude-code', { timeoutMs: 30_000 }, 7000],
  ['then what the file says of the server', undefined, 'claude-code', { timeoutMs: 30_000 }, 25_000],
  ['then what is known of the host', undefined, 'claude-code', {}, 115_000],
  ['then what most hosts bear', undefined, 'unknown', {}, 55_000],
  ['also before the host has told its name', undefined, undefined, undefined, 55_000],
])('%s', (_what, toldMs, hostName, upstream, expected) => {
  expect(
    new Patience(toldMs, 55_000).limitMs(hostName, upstream && { timeoutMs: undefined, ...upstream }),
  ).toBe(expected);
});

test.each([
  [{ timeout: 120_000 }, 120_000],
  [{ timeout: 60 }, 60_000],
  [{ timeout: 0 }, undefined],
  [{ timeout: '60' }, undefined],
  [{}, undefined],
  [null, undefined],
])('the entry %j says that its host waits %j ms', (entry, expected) => {
  expect(timeoutOf(entry)).toBe(expected);
});

test('a call is held as long as is known of the host that has told its name', async () => {
  const limitMs = vi.spyOn(Patience.prototype, 'limitMs');
  const home = newHome();
  const server = fileURLToPath(new URL('../fixtures/hosts/slow-server.mjs', import.meta.url));
  const command = [process.execPath, server, join(home, 'jobs.log')];
  const proxy = await startHttpProxy({ slow: command }, { home, hostTimeoutMs: undefined });
  const client = await proxy.connect({}, undefined, 'claude-code');
  await client.callTool({ name: 'render', arguments: { seconds: 0 } });
  expect(limitMs).toHaveLastReturnedWith(115_000);
});
