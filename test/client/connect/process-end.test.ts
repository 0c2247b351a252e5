import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { beforeAll, expect, test } from 'vitest';
import { loopbackServer } from '../../fixtures/client/loopback-server.js';

const dist = new URL('../../../dist/index.js', import.meta.url);
const script = fileURLToPath(new URL('../../fixtures/client/stdio-server.mjs', import.meta.url));

beforeAll(() => {
  if (!existsSync(dist)) throw new Error('These tests need `npm run build`, which `npm test` runs first.');
});

/** Runs a program that uses the built library, and resolves when its process has ended by itself. */
async function runProgram(target: unknown, body: string): Promise<string> {
  const program = `
    import { AwaitClient } from ${JSON.stringify(dist.href)};
    const client = await AwaitClient.connect(${JSON.stringify(target)});
    ${body}
  `;
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { timeout: 60_000 },
  );
  expect(stderr).toBe('');
  return stdout;
}

async function httpServer(): Promise<string> {
  const server = new Server({ name: 'http', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [] }));
  server.setRequestHandler(CallToolRequestSchema, () => ({ content: [] }));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => 'session-1' });
  await server.connect(transport as Parameters<Server['connect']>[0]);
  const origin = await loopbackServer((request, response) => transport.handleRequest(request, response));
  return `${origin}/mcp`;
}

const useAndClose = `
  await client.callTool({ name: 'environment' });
  await client.close();
  process.stdout.write('closed');
`;

test('a program that closes its client over HTTP ends by itself', async () => {
  expect(await runProgram(await httpServer(), useAndClose)).toBe('closed');
});

test('a program that closes its client of a command ends by itself', async () => {
  const target = { command: process.execPath, args: [script, 'serve'] };
  expect(await runProgram(target, useAndClose)).toBe('closed');
});

test('a program whose wait is aborted ends by itself once the client is closed', async () => {
  const target = { command: process.execPath, args: [script, 'serve'] };
  const body = `
    const controller = new AbortController();
    const call = client.callTool({ name: 'initiate_background_task' }, undefined, {
      signal: controller.signal,
      onUpdate: () => controller.abort(),
      deadlineMs: 3_600_000,
    });
    await call.catch(error => process.stdout.write(error.code));
    await client.close();
  `;
  expect(await runProgram(target, body)).toBe('ABORTED');
});

test('a program whose server was killed goes on with another, and ends by itself once the client is closed', async () => {
  const target = { command: process.execPath, args: [script, 'serve'] };
  const body = `
    process.kill(client.transport.current.pid, 'SIGKILL');
    const { structuredContent } = await client.callTool({ name: 'environment' });
    process.stdout.write(typeof structuredContent.PATH + ' ');
    process.kill(client.transport.current.pid, 'SIGKILL');
    await new Promise(resolve => setTimeout(resolve, 200));
    await client.close();
    process.stdout.write('closed');
  `;
  expect(await runProgram(target, body)).toBe('string closed');
});

test('a program that closes its client while a server over HTTP is looked for ends by itself', async () => {
  const body = `
    client.callTool({ name: 'environment' }).catch(error => process.stdout.write(error.code));
    await new Promise(resolve => setTimeout(resolve, 300));
    await client.close();
  `;
  let requests = 0;
  const server = new Server({ name: 'http', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [] }));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => 'session-1' });
  await server.connect(transport as Parameters<Server['connect']>[0]);
  const origin = await loopbackServer((request, response) => {
    requests += request.method === 'POST' ? 1 : 0;
    // The greeting and the list are answered, and nothing after them.
    if (requests <= 3) transport.handleRequest(request, response);
    else response.destroy();
  });
  expect(await runProgram(`${origin}/mcp`, body)).toMatch(/^(ABORTED|OUTCOME_UNKNOWN)$/);
});
