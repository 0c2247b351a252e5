import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client as NewClient, StreamableHTTPClientTransport as NewHttp } from '@modelcontextprotocol/client';
import { StdioClientTransport as NewStdio } from '@modelcontextprotocol/client/stdio';
import { createTaskSessionFromClient, resultFromTaskOutcome } from '@modelcontextprotocol/ext-tasks/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CallToolResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { defineOperation, OperationError } from '../../src/server/operation.js';
import { builtInOperations } from '../../src/server/operations/index.js';
import { startServer } from '../../src/server/start-server.js';
import { BIN } from '../cli/command.js';
import { TASKS } from '../server/revision-2026-07-28/modern-requests.js';

const INFO = { name: 'interop', version: '1' };
const NEWEST = { versionNegotiation: { mode: { pin: '2026-07-28' } } } as const;

const asking = defineOperation({
  name: 'asking',
  description: 'Asks.',
  input: z.object({}),
  async run(_, { elicit }) {
    const answer = await elicit(z.object({ name: z.string() }), 'Who are you?');
    return { hello: answer.action === 'accept' ? answer.content.name : 'nobody' };
  },
});

const busy = defineOperation({
  name: 'busy',
  description: 'Fails.',
  input: z.object({}),
  run: () => Promise.reject(new OperationError('BUSY', 'Try later')),
});

/** Our server over HTTP. */
async function serveHttp(): Promise<URL> {
  const server = await startServer({
    store: 'memory:',
    operations: [asking, busy, ...builtInOperations()],
    http: { port: 0 },
  });
  onTestFinished(() => server.close(0));
  return new URL(server.url ?? '');
}

/** How a client starts our server as a process of its own. */
async function stdioCommand() {
  const home = await mkdtemp(join(tmpdir(), 'mcp-await-interop-'));
  onTestFinished(() => rm(home, { recursive: true, force: true, maxRetries: 10 }));
  const env = { ...(process.env as Record<string, string>), MCP_AWAIT_HOME: home };
  return { command: process.execPath, args: [BIN, 'serve'], env };
}

const wires = ['standard streams', 'HTTP'] as const;
type Wire = (typeof wires)[number];

async function connectV1(wire: Wire): Promise<Client> {
  const client = new Client(INFO, { capabilities: { elicitation: {} } });
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ada' } }));
  const transport =
    wire === 'HTTP'
      ? new StreamableHTTPClientTransport(await serveHttp())
      : new StdioClientTransport(await stdioCommand());
  await client.connect(transport as Transport);
  onTestFinished(() => client.close());
  return client;
}

async function connectV2(wire: Wire, options: ConstructorParameters<typeof NewClient>[1] = {}) {
  const client = new NewClient(INFO, options);
  const url = wire === 'HTTP' ? await serveHttp() : undefined;
  await client.connect(url === undefined ? new NewStdio(await stdioCommand()) : new NewHttp(url));
  onTestFinished(() => client.close());
  return { client, url };
}

describe.each(wires)('over %s', wire => {
  test('the SDK v1 client streams a call as a task', { timeout: 60_000 }, async () => {
    const client = await connectV1(wire);
    await client.listTools();
    const call = { name: 'sleep', arguments: { seconds: 0.3 } };
    const types: string[] = [];
    for await (const message of client.experimental.tasks.callToolStream(call, CallToolResultSchema, {
      task: { ttl: 60_000 },
    })) {
      types.push(message.type);
      if (message.type === 'result') {
        expect(message.result.structuredContent).toEqual({ slept_seconds: 0.3 });
      }
    }
    expect(types[0]).toBe('taskCreated');
    expect(types.at(-1)).toBe('result');
  });

  test('the SDK v2 client calls in the newest protocol, and in the older one', {
    timeout: 60_000,
  }, async () => {
    for (const options of [NEWEST, {}]) {
      const { client } = await connectV2(wire, options);
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toContain('sleep');
      const result = await client.callTool({ name: 'sleep', arguments: { seconds: 0.1 } });
      expect(result.structuredContent).toEqual({ slept_seconds: 0.1 });
    }
  });

  test('ext-tasks awaits a task of the older protocol', { timeout: 60_000 }, async () => {
    const { client } = await connectV2(wire);
    const session = createTaskSessionFromClient(client as never, { endpointId: 'ours' });
    onTestFinished(() => session.close());
    const execution = await session.callTool('sleep', { seconds: 0.3 }, { task: { preference: 'require' } });
    expect(execution.kind).toBe('task');
    const { outcome } = await execution.settle();
    expect(resultFromTaskOutcome(outcome)).toMatchObject({ structuredContent: { slept_seconds: 0.3 } });
  });
});

describe('ext-tasks in the newest protocol', () => {
  async function connect() {
    const { client, url = new URL('http://none') } = await connectV2('HTTP', {
      ...NEWEST,
      capabilities: { elicitation: {}, ...TASKS },
    });
    const v2RequestFraming = {
      protocolVersion: '2026-07-28',
      clientInfo: INFO,
      clientCapabilities: { elicitation: {}, ...TASKS },
    };
    const session = createTaskSessionFromClient(client as never, {
      endpointId: 'ours',
      rawDispatch: request => dispatch(url, request as object),
      v2RequestFraming,
    });
    onTestFinished(() => session.close());
    return session;
  }

  test('awaits a task', async () => {
    const execution = await (await connect()).callTool('sleep', { seconds: 0.3 });
    expect(execution.kind).toBe('task');
    const { outcome } = await execution.settle();
    expect(resultFromTaskOutcome(outcome)).toMatchObject({ structuredContent: { slept_seconds: 0.3 } });
  });

  test('reads a tool error as a result', async () => {
    const { outcome } = await (await (await connect()).callTool('busy', {})).settle();
    expect(resultFromTaskOutcome(outcome)).toMatchObject({
      isError: true,
      structuredContent: { error: { code: 'BUSY' } },
    });
  });
});

test('the SDK v1 client answers what a task asks, as a task and in a plain call', async () => {
  const client = await connectV1('HTTP');
  await client.listTools();
  const call = { name: 'asking', arguments: {} };
  const messages = [];
  for await (const message of client.experimental.tasks.callToolStream(call, CallToolResultSchema, {
    task: {},
  })) {
    messages.push(message);
  }
  expect(messages.at(-1)).toMatchObject({
    type: 'result',
    result: { structuredContent: { hello: 'Ada' } },
  });
  expect(await client.callTool(call)).toMatchObject({ structuredContent: { hello: 'Ada' } });
});

/** Sends a request as it is: what SDK v2 has no way for. */
async function dispatch(url: URL, request: object) {
  const { method, params } = request as { method: string; params: { name?: string; taskId?: string } };
  const name = params.name ?? params.taskId;
  const headers = {
    'content-type': 'application/json',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(name !== undefined && { 'mcp-name': name }),
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 'raw', ...request });
  const response = await fetch(url, { method: 'POST', headers, body });
  // biome-ignore lint/suspicious/noExplicitAny: it goes on as it came
  const { result, error } = (await response.json()) as any;
  return error === undefined ? ({ kind: 'result', result } as const) : ({ kind: 'error', error } as const);
}
