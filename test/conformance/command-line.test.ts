import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startMain } from '../fixtures/cli/memory-io.js';
import { AUTHORIZATION, clientSuite, type PlayClient } from './client-suite.js';
import { unavailable } from './newer-node.js';

const MINUTES = 60_000;
const LINK = /^ {2}(https?:\S+)\n/gm;

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

/**
 * Somebody at a terminal who signs in and runs every tool: `mcp-await login`, then `run`. The browser is a program that
 * follows the link, where the person says yes at once.
 */
const play: PlayClient = async ({ url, context: { client_id: id, client_secret: secret } }) => {
  const home = await mkdtemp(join(tmpdir(), 'command-line-client-'));
  let output = '';
  /** Runs a command, and follows each link that it shows. */
  const mcpAwait = async (...words: readonly string[]) => {
    const command = startMain(words, { env: { ...process.env, MCP_AWAIT_HOME: home } });
    const followed = new Set<string>();
    let hasEnded = false;
    while (!hasEnded) {
      const ended = command.finished.then(() => true);
      hasEnded = await Promise.race([command.wrote().then(() => false), ended]);
      for (const [, link = ''] of command.written.stderr.matchAll(LINK)) {
        if (followed.has(link)) continue;
        followed.add(link);
        fetch(link).catch(error => {
          output += `The browser failed: ${error}\n`;
        });
      }
    }
    const { code, stdout, stderr } = await command.finished;
    output += `${stderr}mcp-await ${words[0]}: exit ${code}\n`;
    return { code, stdout };
  };
  try {
    const given = id === undefined ? [] : ['--client-id', id];
    if (secret !== undefined) {
      const file = join(home, 'client-secret');
      await writeFile(file, secret, { mode: 0o600 });
      given.push('--client-secret-file', file);
    }
    const { code } = await mcpAwait('login', url, '--no-browser', ...given);
    if (code !== 0) return { output, code: 1 };
    const { stdout } = await mcpAwait('tools', '--json', '--url', url, '--sign-in');
    for (const { tool } of JSON.parse(stdout || '[]')) await mcpAwait('run', tool, '--url', url, '--sign-in');
    return { output, code: 0 };
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
};
const expectConforming = clientSuite(newest, play);

describe.skipIf(unavailable !== undefined)('mcp-await login, and then run, conform to the scenario', () => {
  test.each(newest)('%s of %s', { timeout: 3 * MINUTES }, async (scenario, revision) => {
    const output = await expectConforming(scenario, revision);
    const refusal = refusals[scenario];
    if (refusal === undefined) expect(output).not.toMatch(REFUSED);
    else expect(output).toMatch(refusal);
  });
});
