import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult, Progress } from '@modelcontextprotocol/sdk/types.js';
import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { ServerUnavailableError } from '../../../src/errors.js';
import { mcpTool, type ToolCaller } from '../../../src/server/operations/mcp-tool.js';
import { refusalOf, runOperation } from './run-operation.js';

function slowServer(): McpServer {
  const server = new McpServer({ name: 'slow', version: '1' });
  server.registerTool(
    'greet',
    { inputSchema: { name: z.string() } },
    async ({ name }, { sendNotification, _meta }) => {
      const progressToken = _meta?.progressToken;
      if (progressToken !== undefined) {
        const params = { progressToken, progress: 1, total: 2, message: 'half way' };
        await sendNotification({ method: 'notifications/progress', params });
      }
      return { content: [{ type: 'text', text: `Hello ${name}` }], structuredContent: { name } };
    },
  );
  server.registerTool('broken', {}, () => ({ isError: true, content: [{ type: 'text', text: 'no luck' }] }));
  server.registerTool('forever', {}, ({ signal }) => {
    return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  return server;
}

interface RecordedCaller extends ToolCaller {
  closed: boolean;
}

async function connectTo(server: McpServer): Promise<RecordedCaller> {
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: 'test', version: '1' });
  await Promise.all([server.connect(serverSide), client.connect(clientSide)]);
  const caller: RecordedCaller = {
    closed: false,
    async callTool({ name, arguments: toolArguments }, resultSchema, { signal, onUpdate }) {
      const onprogress = ({ progress, total = 0, message = '' }: Progress) => {
        const report = { progress, total, message };
        onUpdate({ status: 'working', progress: report, attempt: 0, elapsedMs: 0, raw: report });
      };
      const params = { name, ...(toolArguments && { arguments: { ...toolArguments } }) };
      return (await client.callTool(params, resultSchema, { signal, onprogress })) as CallToolResult;
    },
    async close() {
      caller.closed = true;
      await client.close();
    },
  };
  return caller;
}

async function setUp() {
  const caller = await connectTo(slowServer());
  const connect = vi.fn(async () => caller);
  return { caller, connect, operation: mcpTool({ servers: ['slow'], connect }) };
}

test("returns the tool's result as it is and closes the connection", async () => {
  const { caller, connect, operation } = await setUp();
  const input = { server: 'slow', tool: 'greet', arguments: { name: 'Ada' } };
  await expect(runOperation(operation, input)).resolves.toEqual({
    content: [{ type: 'text', text: 'Hello Ada' }],
    structuredContent: { name: 'Ada' },
  });
  expect(connect).toHaveBeenCalledWith('slow', { signal: expect.any(AbortSignal) });
  expect(caller.closed).toBe(true);
});

test("passes the tool's progress on", async () => {
  const { operation } = await setUp();
  const onProgress = vi.fn();
  await runOperation(
    operation,
    { server: 'slow', tool: 'greet', arguments: { name: 'Ada' } },
    { onProgress },
  );
  expect(onProgress.mock.calls).toEqual([[{ current: 1, total: 2, message: 'half way' }]]);
});

test('fails with the text of a tool error and closes the connection', async () => {
  const { caller, operation } = await setUp();
  const run = runOperation(operation, { server: 'slow', tool: 'broken' });
  await expect(run).rejects.toMatchObject({ code: 'TOOL_ERROR', message: 'no luck', retryable: false });
  expect(caller.closed).toBe(true);
});

test('ends when the signal aborts, and closes the connection', async () => {
  const { caller, operation } = await setUp();
  const controller = new AbortController();
  const run = runOperation(operation, { server: 'slow', tool: 'forever' }, { signal: controller.signal });
  controller.abort(new Error('cancelled'));
  await expect(run).rejects.toThrow('cancelled');
  await vi.waitFor(() => expect(caller.closed).toBe(true));
});

test('calls nothing when the signal aborts while it connects, and closes the connection', async () => {
  const controller = new AbortController();
  const callTool = vi.fn();
  const close = vi.fn(async () => {});
  const connect = async () => {
    controller.abort(new Error('cancelled'));
    return { callTool, close };
  };
  const operation = mcpTool({ servers: ['slow'], connect });
  const run = runOperation(operation, { server: 'slow', tool: 'any' }, { signal: controller.signal });
  await expect(run).rejects.toThrow('cancelled');
  expect(callTool).not.toHaveBeenCalled();
  expect(close).toHaveBeenCalled();
});

test('says that the server cannot be reached', async () => {
  const operation = mcpTool({ servers: ['gone'], connect: () => Promise.reject(new Error('ECONNREFUSED')) });
  await expect(runOperation(operation, { server: 'gone', tool: 'any' })).rejects.toMatchObject({
    code: 'SERVER_UNAVAILABLE',
    retryable: true,
    message: 'Cannot connect to the MCP server gone: ECONNREFUSED',
  });
});

test('keeps the code of an error of ours', async () => {
  const caller = {
    callTool: () => Promise.reject(new ServerUnavailableError('contact lost')),
    close: () => Promise.reject(new Error('already closed')),
  };
  const operation = mcpTool({ servers: ['slow'], connect: async () => caller });
  await expect(runOperation(operation, { server: 'slow', tool: 'any' })).rejects.toMatchObject({
    code: 'SERVER_UNAVAILABLE',
    message: 'Tool any of the MCP server slow gave no result: contact lost',
  });
});

test('offers the named servers only, and no way to name a command or a URL', async () => {
  const { operation } = await setUp();
  expect(operation.description).toContain('Servers: slow.');
  expect(refusalOf(operation, { server: 'other', tool: 'greet' })).toBe(
    'Expected `server` to be one of slow',
  );
  const smuggled = operation.input.parse({
    server: 'slow',
    tool: 'greet',
    command: 'sh',
    url: 'http://127.0.0.1',
  });
  expect(smuggled).toEqual({ server: 'slow', tool: 'greet' });
});

test('needs a server', () => {
  const connect = () => Promise.reject(new Error('unused'));
  expect(() => mcpTool({ servers: [], connect })).toThrow(
    'Expected `servers` to name at least one MCP server',
  );
});
