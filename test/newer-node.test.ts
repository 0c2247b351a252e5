import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ROOT } from './cli/command.js';
import { fetchedNode } from './conformance/fetched-packages.mjs';
import { OLDEST_OWN_SQLITE, unavailable } from './conformance/newer-node.js';

/** Both drivers and the file format that they share, as the tests of Node 20 run them with libsql; compiled code that is kept. */
const TESTS = [
  'test/engine/sqlite/',
  'test/storage/',
  'test/client/journal/',
  'test/cli/compiled-code.test.ts',
];

it.skipIf(unavailable !== undefined)(
  'passes the tests of what Node 24 does otherwise: its own SQLite, and compiled code that is kept',
  async () => {
    const { stdout } = await promisify(execFile)(
      await fetchedNode(OLDEST_OWN_SQLITE),
      ['node_modules/vitest/vitest.mjs', 'run', '--reporter=json', ...TESTS],
      {
        cwd: ROOT,
        env: { ...process.env, MCP_AWAIT_SQLITE: 'node', TEST_REPORT: undefined },
        maxBuffer: 100 * 1024 * 1024,
      },
    );
    const report: Report = JSON.parse(stdout.slice(stdout.indexOf('{')));
    expect(report).toMatchObject({ success: true, numFailedTests: 0 });
    expect(report.numPassedTests).toBeGreaterThan(400);
    const passed = report.testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status === 'passed');
    expect(passed.map(({ title }) => title)).toContain(
      'a command keeps its compiled code in the cache folder of the user',
    );
  },
  900_000,
);

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}
