import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, TestRunner } from 'vitest';
import { conformanceCommand } from './newer-node.js';
import { readBaseline } from './result-table.js';

export const BASELINE = fileURLToPath(new URL('baseline.yml', import.meta.url));
const RELAY = fileURLToPath(new URL('scenario-relay.mjs', import.meta.url));
/** The suite starts all scenarios at once; each waits for the clients of those before it. */
const MAX_SCENARIO_MS = 170_000;

/** What the suite calls scenarios that belong to no revision. */
export const EXTENSION = 'extension';

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

/** A server of the suite that waits for a client. */
export interface Scenario {
  readonly name: string;
  readonly url: string;
  /** What the suite tells the client, by scenario. */
  readonly context: {
    readonly client_id?: string;
    readonly client_secret?: string;
    readonly toolCalls?: object[];
  };
}

/** Plays the client of a scenario. @returns what it wrote, and whether it failed */
export type PlayClient = (scenario: Scenario) => Promise<{ readonly output: string; readonly code: number }>;

interface Verdict {
  readonly isGood: boolean;
  readonly passed: number;
  readonly line: string;
  readonly output: string;
}

/**
 * Expects of a client that it conforms to scenarios. One process of the suite runs all scenarios of a revision, with the
 * client in this process.
 * @returns runs a scenario, and gives what the client wrote
 */
export function clientSuite(
  scenarios: readonly (readonly [name: string, revision: string])[],
  play: PlayClient,
): (name: string, revision: string) => Promise<string> {
  const runs = new Map<string, Promise<ReadonlyMap<string, Verdict>>>();
  return async (name, revision) => {
    const names = scenarios.filter(([, each]) => each === revision).map(([each]) => each);
    // Tests that are run again share another run.
    const key = `${revision} ${TestRunner.getCurrentTest()?.result?.retryCount ?? 0}`;
    const run = runs.get(key) ?? runSuite(revision, new Set(names), play);
    runs.set(key, run);
    const verdict = (await run).get(name);
    const told = `${verdict?.line}\n${verdict?.output.slice(-4000)}`;
    if (readBaseline(await readFile(BASELINE, 'utf8')).has(name)) expect(verdict?.isGood, told).toBe(false);
    else {
      expect(verdict?.isGood, told).toBe(true);
      expect(verdict?.passed, told).toBeGreaterThan(0);
    }
    return verdict?.output ?? '';
  };
}

async function runSuite(
  revision: string,
  names: ReadonlySet<string>,
  play: PlayClient,
): Promise<ReadonlyMap<string, Verdict>> {
  const outputs = new Map<string, string>();
  let last: Promise<unknown> = Promise.resolve();
  const server = createServer(async (request, response) => {
    const scenario: Scenario = JSON.parse(await text(request));
    if (!names.has(scenario.name)) return response.end('0');
    const played = last.then(() => play(scenario)).catch(error => ({ output: String(error), code: 1 }));
    last = played;
    const { output, code } = await played;
    outputs.set(scenario.name, output);
    return response.end(String(code));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const command = `${process.execPath} ${RELAY} http://127.0.0.1:${port}`;
    const which = revision === EXTENSION ? ['extensions'] : ['all', '--spec-version', revision];
    const [node, script] = await conformanceCommand();
    const args = [script, 'client', '--command', command, '--timeout', String(MAX_SCENARIO_MS)];
    const report = await new Promise<string>(resolve => {
      const options = { maxBuffer: 64 * 1024 * 1024 };
      // Its exit code tells of scenarios that nobody asked for, too.
      execFile(node, [...args, '--suite', ...which], options, (_error, stdout) => resolve(stdout));
    });
    const lines = report.matchAll(/^([✓✗]) (\S+): (\d+) passed, \d+ failed.*$/gm);
    return new Map(
      [...lines].map(([line, mark, name = '', passed]) => {
        const output = outputs.get(name) ?? '';
        return [name, { isGood: mark === '✓', passed: Number(passed), line, output }];
      }),
    );
  } finally {
    server.close();
  }
}
