import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client as NewClient, StreamableHTTPClientTransport as NewHttp } from '@modelcontextprotocol/client';
import { StdioClientTransport as NewStdio } from '@modelcontextprotocol/client/stdio';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BIN, ROOT } from '../cli/command.js';
import { fetchedCommand, unavailable } from '../conformance/newer-node.js';
import { newHome } from './proxy-host.js';
import { startHttpProxy } from './proxy-http.js';

/** A job of three minutes for a host that gives up after one: scaled. */
const SECONDS = 3;
const HOST_TIMEOUT_MS = 1000;

const proxied = ['proxy', '--host-timeout', `${HOST_TIMEOUT_MS}ms`, '--', process.execPath, BIN, 'serve'];

/** What a person does: call the tool, then what the answer says. */
async function callToTheEnd(call: (name: string, args: object) => Promise<CallToolResult>) {
  let answer = await call('sleep', { seconds: SECONDS });
  let rounds = 0;
  for (; answer.structuredContent?.next !== undefined; rounds++) {
    const { tool, arguments: args } = answer.structuredContent.next as { tool: string; arguments: object };
    answer = await call(tool, args);
  }
  return { answer, rounds };
}

/** The Inspector on the command line, a process for each call, with a proxy as the server that it starts. */
function inspector(command: readonly string[], cwd = ROOT) {
  const home = newHome();
  return async (name: string, args: object): Promise<CallToolResult> => {
    const toolArgs = Object.entries(args).flatMap(([key, value]) => ['--tool-arg', `${key}=${value}`]);
    const [program = '', ...words] = [
      ...command,
      '--cli',
      ...[process.execPath, BIN, 'proxy', '--host-timeout', `${HOST_TIMEOUT_MS}ms`],
      ...['--method', 'tools/call', '--tool-name', name, ...toolArgs],
    ];
    // The Inspector hands few variables on to a server, and the home folder is one of them.
    const env = { ...process.env, HOME: home, MCP_AWAIT_HOME: undefined };
    const { stdout } = await promisify(execFile)(program, words, { cwd, env });
    return JSON.parse(stdout.slice(stdout.indexOf('{')));
  };
}

describe('a long job through the proxy, in a host that would give up', () => {
  it("ends in its result with the Inspector's command line", async () => {
    const script = fileURLToPath(import.meta.resolve('@modelcontextprotocol/inspector-cli'));
    // It looks for its package.json beside the working folder.
    const { answer, rounds } = await callToTheEnd(inspector([process.execPath, script], dirname(script)));
    expect(answer.structuredContent).toEqual({ slept_seconds: SECONDS });
    expect(rounds).toBeGreaterThan(0);
  });

  it.skipIf(unavailable !== undefined)(
    `ends in its result with version 2 of the Inspector (${unavailable ?? 'fetched'})`,
    { timeout: 300_000 },
    async () => {
      const script = ['@modelcontextprotocol', 'inspector', 'clients', 'launcher', 'build', 'index.js'];
      const command = await fetchedCommand('@modelcontextprotocol/inspector@2.12.0', script);
      const { answer, rounds } = await callToTheEnd(inspector(command));
      expect(answer.structuredContent).toEqual({ slept_seconds: SECONDS });
      expect(rounds).toBeGreaterThan(0);
    },
  );

  it.each(['legacy', 'auto'] as const)(
    'ends in its result with version 2 of the SDK on standard streams (%s)',
    async mode => {
      const client = new NewClient({ name: 'host', version: '1' }, { versionNegotiation: { mode } });
      onTestFinished(() => client.close());
      const env = { ...(process.env as Record<string, string>), MCP_AWAIT_HOME: newHome() };
      await client.connect(
        new NewStdio({ command: process.execPath, args: [BIN, ...proxied], env, cwd: ROOT }),
      );
      const call = (name: string, args: object) => client.callTool({ name, arguments: { ...args } });
      const { answer, rounds } = await callToTheEnd(call as never);
      expect(answer.structuredContent).toEqual({ slept_seconds: SECONDS });
      expect(rounds).toBeGreaterThan(0);
    },
  );

  it.each(['legacy', 'auto'] as const)(
    'ends in its result with version 2 of the SDK over HTTP (%s)',
    async mode => {
      const home = newHome();
      const { url } = await startHttpProxy(
        { bundled: [process.execPath, BIN, 'serve', '--store', `sqlite:${home}/tasks.db`] },
        { home, hostTimeoutMs: HOST_TIMEOUT_MS },
      );
      const client = new NewClient({ name: 'host', version: '1' }, { versionNegotiation: { mode } });
      onTestFinished(() => client.close());
      await client.connect(new NewHttp(new URL(url)));
      const call = (name: string, args: object) => client.callTool({ name, arguments: { ...args } });
      const { answer } = await callToTheEnd(call as never);
      expect(answer.structuredContent).toEqual({ slept_seconds: SECONDS });
    },
  );
});
