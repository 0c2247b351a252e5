import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { startFixtureServer } from './fixture-server.js';
import { conformanceCommand, unavailable } from './newer-node.js';
import { expectOnPage } from './result-page.js';
import { type Results, readBaseline, readResults, resultTable } from './result-table.js';

const BASELINE = fileURLToPath(new URL('baseline.yml', import.meta.url));
const REVISIONS = ['2025-11-25', '2026-07-28'] as const;
const MINUTES = 60_000;

interface Run {
  readonly code: number;
  readonly output: string;
}

/** Everything that a revision of the specification requires of a server, and what was not scored then. */
async function runSuite(url: string, revision: string): Promise<Run> {
  const [node, script] = await conformanceCommand();
  const cwd = await mkdtemp(join(tmpdir(), 'mcp-await-conformance-'));
  onTestFinished(() => rm(cwd, { recursive: true }));
  const args = ['server', '--url', url, '--requirements', revision, '--expected-failures', BASELINE];
  return new Promise(resolve => {
    const options = { cwd, maxBuffer: 256 * 1024 * 1024 };
    execFile(node, [script, ...args], options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    );
  });
}

test.skipIf(unavailable !== undefined)(
  `the bundled server conforms to both revisions of the protocol (${unavailable ?? 'with tools of the suite'})`,
  { timeout: 5 * MINUTES },
  async () => {
    const url = await startFixtureServer();
    const baseline = readBaseline(await readFile(BASELINE, 'utf8'));
    const results = new Map<string, Results>();
    for (const revision of REVISIONS) {
      const { code, output } = await runSuite(url, revision);
      expect(code, output.slice(-4000)).toBe(0);
      results.set(revision, readResults(output));
    }
    const tasks = [...(results.get('2026-07-28') ?? [])].filter(([scenario]) =>
      scenario.startsWith('tasks-'),
    );
    expect(tasks.map(([scenario, { failed }]) => [scenario, failed])).toEqual(
      tasks.map(([scenario]) => [scenario, 0]),
    );
    expect(tasks).toHaveLength(10);
    await expectOnPage('conformance', resultTable(results, baseline));
  },
);
