// A server of the MCP SDK with one tool, on the standard streams or (`--http`) over HTTP: what ours are measured against.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

function plainServer() {
  const server = new McpServer({ name: 'plain', version: '1.0.0' });
  server.registerTool(
    'echo',
    { description: 'Echoes a text.', inputSchema: { text: z.string() } },
    ({ text }) => ({ content: [{ type: 'text', text }] }),
  );
  return server;
}

async function serveHttp() {
  const { StreamableHTTPServerTransport } = await import(
    '@modelcontextprotocol/sdk/server/streamableHttp.js'
  );
  const sessions = new Map();
  const open = async () => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: id => sessions.set(id, transport),
    });
    await plainServer().connect(transport);
    return transport;
  };
  const http = createServer(async (request, response) => {
    const transport = sessions.get(request.headers['mcp-session-id']) ?? (await open());
    await transport.handleRequest(request, response);
  });
  http.listen(0, '127.0.0.1', () =>
    console.error(`Listening on http://127.0.0.1:${http.address().port}/mcp`),
  );
}

if (process.argv.includes('--http')) await serveHttp();
else await plainServer().connect(new StdioServerTransport());
