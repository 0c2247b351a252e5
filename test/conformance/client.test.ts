import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, test } from 'vitest';
import { callAuthorized } from './authorizing-client.mjs';
import { AUTHORIZATION, BASELINE, BOTH, clientSuite, type Scenario } from './client-suite.js';
import { callEveryTool } from './client-under-test.mjs';
import { unavailable } from './newer-node.js';
import { expectOnPage } from './result-page.js';
import { readBaseline, scenarioTable } from './result-table.js';

const LIBRARY = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
const MINUTES = 60_000;

const scenarios = of({
  initialize: ['2025-11-25'],
  tools_call: BOTH,
  'elicitation-sep1034-client-defaults': ['2025-11-25'],
  'sse-retry': ['2025-11-25'],
  'request-metadata': ['2026-07-28'],
  'sep-2322-client-request-state': ['2026-07-28'],
  'http-standard-headers': ['2026-07-28'],
  'http-custom-headers': ['2026-07-28'],
  'http-invalid-tool-headers': ['2026-07-28'],
  'json-schema-ref-no-deref': ['2026-07-28'],
});

const authorization = of(AUTHORIZATION);

beforeAll(() => {
  if (!existsSync(LIBRARY)) throw new Error('This test needs `npm run build`.');
});

const play = async (scenario: Scenario) => {
  if (!(scenario.name in AUTHORIZATION)) return { output: await callEveryTool(scenario), code: 0 };
  await callAuthorized(scenario);
  return { output: '', code: 0 };
};
const expectConforming = clientSuite([...scenarios, ...authorization], play);

describe.skipIf(unavailable !== undefined)('the client conforms to the scenario', () => {
  test.each(scenarios)('%s of %s', { timeout: 3 * MINUTES }, async (...run) => {
    await expectConforming(...run);
  });
  test.each(authorization)(
    '%s of %s, where a server wants authorization',
    { timeout: 3 * MINUTES },
    async (...run) => {
      await expectConforming(...run);
    },
  );
});

test('the table of the page tells of these scenarios', async () => {
  const baseline = readBaseline(await readFile(BASELINE, 'utf8'));
  await expectOnPage('client-conformance', scenarioTable([...scenarios, ...authorization], baseline));
});

function of(revisions: Readonly<Record<string, readonly string[]>>): [scenario: string, revision: string][] {
  return Object.entries(revisions).flatMap(([scenario, each]) =>
    each.map((revision): [string, string] => [scenario, revision]),
  );
}
