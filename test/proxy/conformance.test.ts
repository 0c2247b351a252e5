import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startProxy } from '../../src/proxy/start-proxy.js';
import { startHttpServer } from '../../src/server/http/http-server.js';
import { conformanceCommand, unavailable } from '../conformance/newer-node.js';
import { type Results, readResults } from '../conformance/result-table.js';
import { createConformingServer } from '../fixtures/proxy/conforming-server.js';

const REVISION = '2025-11-25';

/** Everything that the revision requires of a server. */
async function resultsAt(url: string): Promise<Results> {
  const [node, script] = await conformanceCommand();
  const cwd = await mkdtemp(join(tmpdir(), 'mcp-await-conformance-'));
  onTestFinished(() => rm(cwd, { recursive: true }));
  const output = await new Promise<string>(resolve => {
    const args = [script, 'server', '--url', url, '--requirements', REVISION];
    execFile(node, args, { cwd, maxBuffer: 256 * 1024 * 1024 }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
  return readResults(output);
}

const namesOf = (results: Results, wanted: 'passed' | 'failed') =>
  [...results]
    .filter(([, { failed }]) => (failed === 0) === (wanted === 'passed'))
    .map(([scenario]) => scenario)
    .toSorted();

test.skipIf(unavailable !== undefined)(
  `what a server conforms to, it conforms to behind the proxy (${unavailable ?? 'with the suite'})`,
  { timeout: 300_000 },
  async () => {
    const server = await startHttpServer({ createMcpServer: createConformingServer, port: 0 });
    onTestFinished(() => server.close(0));
    const proxy = await startProxy({
      targets: [{ name: 'conforming', id: 'conforming', target: server.url, journal: undefined }],
      journal: undefined,
      hostTimeoutMs: Number.POSITIVE_INFINITY,
      wait: {},
      http: { port: 0 },
      onNotice() {},
      onError() {},
    });
    onTestFinished(() => proxy.close());
    const [direct, through] = [await resultsAt(server.url), await resultsAt(proxy.url ?? '')];
    const passed = namesOf(direct, 'passed');
    for (const subject of ['tools-', 'resources-', 'prompts-'])
      expect(passed.filter(name => name.startsWith(subject)).length, subject).toBeGreaterThan(3);
    expect(namesOf(through, 'passed')).toEqual(passed);
  },
);
