// Somebody at a terminal who signs in and runs every tool: `mcp-await login`, then `run`. The browser is a program that
// follows the link, where the person says yes at once. The conformance suite appends the server's URL.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/mcp-await.js', import.meta.url));
const LINK = /^ {2}(https?:\S+)\n/gm;

const url = process.argv.at(-1);
const { client_id: id, client_secret: secret } = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const home = mkdtempSync(join(tmpdir(), 'command-line-client-'));

/** Runs a command, and follows each link that it shows. @returns what it printed */
async function mcpAwait(...words) {
  const child = spawn(process.execPath, [BIN, ...words], {
    env: { ...process.env, MCP_AWAIT_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr, read] = ['', '', 0];
  child.stdout.on('data', chunk => {
    stdout += chunk;
  });
  child.stderr.on('data', chunk => {
    process.stderr.write(chunk);
    stderr += chunk;
    for (const { 1: link, 0: line, index } of stderr.slice(read).matchAll(LINK)) {
      read += index + line.length;
      fetch(link).catch(error => process.stderr.write(`The browser failed: ${error}\n`));
    }
  });
  const code = await new Promise(settle => child.on('close', settle));
  process.stderr.write(`mcp-await ${words[0]}: exit ${code}\n`);
  return { code, stdout };
}

try {
  const given = id === undefined ? [] : ['--client-id', id];
  if (secret !== undefined) {
    const file = join(home, 'client-secret');
    writeFileSync(file, secret, { mode: 0o600 });
    given.push('--client-secret-file', file);
  }
  const { code } = await mcpAwait('login', url, '--no-browser', ...given);
  if (code === 0) {
    const { stdout } = await mcpAwait('tools', '--json', '--url', url, '--sign-in');
    for (const { tool } of JSON.parse(stdout || '[]')) await mcpAwait('run', tool, '--url', url, '--sign-in');
  } else process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}
