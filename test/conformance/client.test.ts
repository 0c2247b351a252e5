import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { conformanceCommand, unavailable } from './newer-node.js';
import { expectOnPage } from './result-page.js';
import { readBaseline, scenarioTable } from './result-table.js';

const CLIENT = fileURLToPath(new URL('client-under-test.mjs', import.meta.url));
const AUTHORIZING_CLIENT = fileURLToPath(new URL('authorizing-client.mjs', import.meta.url));
const LIBRARY = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
const BASELINE = fileURLToPath(new URL('baseline.yml', import.meta.url));
const MINUTES = 60_000;

/** What the suite calls scenarios that belong to no revision. */
const EXTENSION = 'extension';
const BOTH = ['2025-11-25', '2026-07-28'];

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

/** All that the suite has. */
const authorization = of({
  'auth/2025-03-26-oauth-metadata-backcompat': ['2025-03-26'],
  'auth/2025-03-26-oauth-endpoint-fallback': ['2025-03-26'],
  'auth/metadata-default': BOTH,
  'auth/metadata-var1': BOTH,
  'auth/metadata-var2': BOTH,
  'auth/metadata-var3': BOTH,
  'auth/basic-cimd': BOTH,
  'auth/scope-from-www-authenticate': BOTH,
  'auth/scope-from-scopes-supported': BOTH,
  'auth/scope-omitted-when-undefined': BOTH,
  'auth/scope-step-up': BOTH,
  'auth/scope-retry-limit': BOTH,
  'auth/token-endpoint-auth-basic': BOTH,
  'auth/token-endpoint-auth-post': BOTH,
  'auth/token-endpoint-auth-none': BOTH,
  'auth/pre-registration': BOTH,
  'auth/resource-mismatch': ['2026-07-28'],
  'auth/offline-access-scope': ['2026-07-28'],
  'auth/offline-access-not-supported': ['2026-07-28'],
  'auth/authorization-server-migration': ['2026-07-28'],
  'auth/iss-supported': ['2026-07-28'],
  'auth/iss-not-advertised': ['2026-07-28'],
  'auth/iss-supported-missing': ['2026-07-28'],
  'auth/iss-wrong-issuer': ['2026-07-28'],
  'auth/iss-unexpected': ['2026-07-28'],
  'auth/iss-normalized': ['2026-07-28'],
  'auth/metadata-issuer-mismatch': ['2026-07-28'],
  'auth/client-credentials-jwt': [EXTENSION],
  'auth/client-credentials-basic': [EXTENSION],
  'auth/enterprise-managed-authorization': [EXTENSION],
  'auth/wif-jwt-bearer': [EXTENSION],
  'auth/dpop': [EXTENSION],
  'auth/dpop-nonce': [EXTENSION],
});

beforeAll(() => {
  if (!existsSync(LIBRARY)) throw new Error('This test needs `npm run build`.');
});

describe.skipIf(unavailable !== undefined)('the client conforms to the scenario', () => {
  test.each(scenarios)('%s of %s', { timeout: 3 * MINUTES }, (scenario, revision) =>
    expectConforming(CLIENT, scenario, revision),
  );
  test.each(authorization)(
    '%s of %s, where a server wants authorization',
    { timeout: 3 * MINUTES },
    (...run) => expectConforming(AUTHORIZING_CLIENT, ...run),
  );
});

test('the table of the page tells of these scenarios', async () => {
  const baseline = readBaseline(await readFile(BASELINE, 'utf8'));
  await expectOnPage('client-conformance', scenarioTable([...scenarios, ...authorization], baseline));
});

async function expectConforming(client: string, scenario: string, revision: string): Promise<void> {
  const [node, script] = await conformanceCommand();
  const command = `${process.execPath} ${client}`;
  const version = revision === EXTENSION ? [] : ['--spec-version', revision];
  const expected = ['--expected-failures', BASELINE];
  const args = [script, 'client', '--command', command, '--scenario', scenario, ...version, ...expected];
  const { code, output } = await new Promise<{ code: number; output: string }>(resolve => {
    execFile(node, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    );
  });
  // The suite fails where a scenario of the baseline passes, and where another fails.
  expect(code, output.slice(-4000)).toBe(0);
  if (readBaseline(await readFile(BASELINE, 'utf8')).has(scenario)) return;
  const [, passed, all] = /Passed: (\d+)\/(\d+), 0 failed, 0 warnings/.exec(output) ?? [];
  expect([passed, Number(passed) > 0], output.slice(-4000)).toEqual([all, true]);
}

function of(revisions: Readonly<Record<string, readonly string[]>>): [scenario: string, revision: string][] {
  return Object.entries(revisions).flatMap(([scenario, each]) =>
    each.map((revision): [string, string] => [scenario, revision]),
  );
}
