import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect, it } from 'vitest';
import { newHome } from './proxy-host.js';
import { startHttpProxy } from './proxy-http.js';

const SLOW_SERVER = fileURLToPath(new URL('../fixtures/hosts/slow-server.mjs', import.meta.url));

it('a job goes on when its host ends its session during the call', async () => {
  const home = newHome();
  const log = join(home, 'jobs.log');
  const proxy = await startHttpProxy({ slow: [process.execPath, SLOW_SERVER, log] }, { home });
  const first = await proxy.connect();
  first.callTool({ name: 'render', arguments: { seconds: 2 } }).catch(() => {});
  await expect.poll(() => readFileSync(log, { encoding: 'utf8', flag: 'a+' })).toBe('start\n');
  await (first.transport as StreamableHTTPClientTransport).terminateSession();

  const second = await proxy.connect();
  const list = await second.callTool({ name: 'await_task', arguments: {} });
  const [task] = (list.structuredContent as { tasks: { reference: string }[] }).tasks;
  const result = await second.callTool({ name: 'await_task', arguments: { reference: task?.reference } });
  expect(result.content).toEqual([{ type: 'text', text: 'rendered 2 s' }]);
});
