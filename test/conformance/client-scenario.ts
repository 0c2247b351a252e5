import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { conformanceCommand } from './newer-node.js';
import { readBaseline } from './result-table.js';

export const BASELINE = fileURLToPath(new URL('baseline.yml', import.meta.url));

/** What the suite calls scenarios that belong to no revision. */
const EXTENSION = 'extension';

export const BOTH = ['2025-11-25', '2026-07-28'];

/** The revisions of each scenario with an authorization server: all that the suite has. */
export const AUTHORIZATION: Readonly<Record<string, readonly string[]>> = {
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
};

/** Runs a scenario of the suite against a program. @returns what the suite and the program wrote */
export async function expectConforming(client: string, scenario: string, revision: string): Promise<string> {
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
  if (readBaseline(await readFile(BASELINE, 'utf8')).has(scenario)) return output;
  const [, passed, all] = /Passed: (\d+)\/(\d+), 0 failed, 0 warnings/.exec(output) ?? [];
  expect([passed, Number(passed) > 0], output.slice(-4000)).toEqual([all, true]);
  return output;
}
