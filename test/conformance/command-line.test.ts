import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { AUTHORIZATION, expectConforming } from './client-scenario.js';
import { unavailable } from './newer-node.js';

const CLIENT = fileURLToPath(new URL('command-line-client.mjs', import.meta.url));
const MINUTES = 60_000;

/** Scenarios of the suite in which nobody can sign in at a terminal, each with the reason. */
const WITHOUT_SIGN_IN: Readonly<Record<string, string>> = {
  'auth/basic-cimd': 'a warning: no page of the web describes the command line, which registers instead',
  'auth/client-credentials-jwt': 'a program signs in, with a key and without a person',
  'auth/client-credentials-basic': 'a program signs in, with a secret and without a person',
  'auth/enterprise-managed-authorization': 'the login of an enterprise signs somebody in, without a link',
  'auth/wif-jwt-bearer': 'a platform vouches for a program, without a person',
  'auth/dpop': 'the SDK asks for bearer tokens only',
  'auth/dpop-nonce': 'the SDK asks for bearer tokens only',
};

/** A sign-in knows no revision of MCP: each scenario is run at the newest that has it. */
const newest = Object.entries(AUTHORIZATION).flatMap(([scenario, revisions]): [string, string][] =>
  scenario in WITHOUT_SIGN_IN ? [] : [[scenario, revisions.at(-1) ?? '']],
);

const REFUSED = /Signing in to \S+ failed: /;
const WRONG_METADATA = /What the server says of its authorization cannot be used: tell whoever runs it\./;

/** Of the scenarios in which the command must refuse, what it says. */
const refusals: Readonly<Record<string, RegExp>> = {
  'auth/resource-mismatch': WRONG_METADATA,
  'auth/metadata-issuer-mismatch': WRONG_METADATA,
  'auth/iss-supported-missing': /its `iss` is missing\)\. Try again with `mcp-await login /,
  'auth/iss-wrong-issuer': /its `iss` is another one\)\. Try again with `mcp-await login /,
  'auth/iss-unexpected': /its `iss` is another one\)\. Try again with `mcp-await login /,
  'auth/iss-normalized': /its `iss` is another one\)\. Try again with `mcp-await login /,
};

describe.skipIf(unavailable !== undefined)('mcp-await login, and then run, conform to the scenario', () => {
  test.each(newest)('%s of %s', { timeout: 3 * MINUTES }, async (scenario, revision) => {
    const output = await expectConforming(CLIENT, scenario, revision);
    const refusal = refusals[scenario];
    if (refusal === undefined) expect(output).not.toMatch(REFUSED);
    else expect(output).toMatch(refusal);
  });
});
