import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { CallToolResult, Progress } from '@modelcontextprotocol/sdk/types.js';
import { afterEach } from 'vitest';
import { BIN, ROOT } from '../cli/command.js';
import { explainFailure } from '../explain-failure.js';

/** The reference server of the MCP project. */
export const EVERYTHING = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'),
);

const hosts: Client[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(hosts.splice(0).map(host => host.close()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
});

/** A folder for the state of proxies, removed after the test. */
export function newHome(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-await-proxy-'));
  folders.push(folder);
  return folder;
}

/** An `mcpServers` file of these commands. */
export function serversFile(home: string, servers: Readonly<Record<string, readonly string[]>>): string {
  const file = join(home, 'mcp.json');
  const mcpServers = Object.fromEntries(
    Object.entries(servers).map(([name, [command, ...args]]) => [name, { command, args }]),
  );
  writeFileSync(file, JSON.stringify({ mcpServers }));
  return file;
}

/** A host that knows nothing but MCP, with a proxy as its server. */
export interface Host extends AsyncDisposable {
  readonly client: Client;
  readonly stderr: () => string;
  readonly pid: () => number | null;
}

export async function startHost(
  words: readonly string[],
  home: string,
  options: ClientOptions = {},
): Promise<Host> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [BIN, 'proxy', ...words],
    env: { ...(process.env as Record<string, string>), MCP_AWAIT_HOME: home },
    cwd: ROOT,
    stderr: 'pipe',
  });
  let stderr = '';
  transport.stderr?.on('data', chunk => {
    stderr += chunk;
  });
  explainFailure(() => `mcp-await proxy ${words.join(' ')}\n  stderr: ${JSON.stringify(stderr)}`);
  const client = new Client({ name: 'host', version: '1' }, options);
  hosts.push(client);
  await client.connect(transport);
  return {
    client,
    stderr: () => stderr,
    pid: () => transport.pid,
    [Symbol.asyncDispose]: () => client.close(),
  };
}

export interface HostCall {
  /** The answers, the last one being the result. */
  readonly answers: readonly CallToolResult[];
  readonly result: CallToolResult;
  readonly progress: readonly Progress[];
}

/** What a model does: it calls the tool, and then the one tool that the answer names. */
export async function callAsModel(client: Client, name: string, args: object): Promise<HostCall> {
  const answers: CallToolResult[] = [];
  const progress: Progress[] = [];
  let call = { name, arguments: { ...args } };
  for (;;) {
    const options = { timeout: 120_000, onprogress: (told: Progress) => progress.push(told) };
    const answer = (await client.callTool(call, undefined, options)) as CallToolResult;
    answers.push(answer);
    const next = answer.structuredContent?.next as { tool: string; arguments: object } | undefined;
    if (next === undefined) return { answers, result: answer, progress };
    call = { name: next.tool, arguments: { ...next.arguments } };
  }
}

export function textOf(result: unknown): string {
  const { content } = result as CallToolResult;
  return content.map(block => (block.type === 'text' ? block.text : '')).join('\n');
}
