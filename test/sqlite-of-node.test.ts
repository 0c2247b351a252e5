import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ROOT } from './cli/command.js';
import { fetchedNode } from './conformance/fetched-packages.mjs';
import { OLDEST_OWN_SQLITE, unavailable } from './conformance/newer-node.js';

/** Both drivers and the file format that they share, as the tests of Node 20 run them with libsql. */
const DATABASE_TESTS = ['test/engine/sqlite/', 'test/storage/', 'test/client/journal/'];

it.skipIf(unavailable !== undefined)(
  'passes the tests of the engine and the journal on the SQLite of Node 24',
  async () => {
    const { stdout } = await promisify(execFile)(
      await fetchedNode(OLDEST_OWN_SQLITE),
      ['node_modules/vitest/vitest.mjs', 'run', '--reporter=json', ...DATABASE_TESTS],
      {
        cwd: ROOT,
        env: { ...process.env, MCP_AWAIT_SQLITE: 'node', TEST_REPORT: undefined },
        maxBuffer: 100 * 1024 * 1024,
      },
    );
    const report = JSON.parse(stdout.slice(stdout.indexOf('{')));
    expect(report).toMatchObject({ success: true, numFailedTests: 0 });
    expect(report.numPassedTests).toBeGreaterThan(400);
  },
  900_000,
);
