import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type HttpServerOptions, startHttpServer } from '../../../src/server/http/http-server.js';
import { MAX_BATCH, MAX_DEPTH, readJsonBody } from '../../../src/server/http/request-body.js';

const BOB = 'bob-has-a-long-token';
const ADA = 'ada-has-a-long-token';
const MIB = 1024 * 1024;
const headersOf = (token: string, more: Record<string, string> = {}) => ({
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  authorization: `Bearer ${token}`,
  ...more,
});
const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
});
const callBig = (id: number) =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'big', arguments: {} } });

async function start(options: Partial<HttpServerOptions>) {
  const text = 'x'.repeat(4 * MIB);
  const server = await startHttpServer({
    port: 0,
    tokens: [`bob=${BOB}`, `ada=${ADA}`],
    createMcpServer: () => {
      const each = new Server({ name: 'test', version: '1' }, { capabilities: { tools: {} } });
      each.setRequestHandler(CallToolRequestSchema, () => ({ content: [{ type: 'text', text }] }));
      return each;
    },
    ...options,
  });
  onTestFinished(() => server.close(0));
  const post = (body: string, headers: Record<string, string>) =>
    fetch(server.url, { method: 'POST', headers, body });
  return { ...server, post };
}

/** Sends a request whose answer, or whose end, never comes: the client does nothing more. */
function stall(port: number, { headers, body, length = body.length }: Stalled) {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  socket.pause();
  const lines = Object.entries({ ...headers, 'content-length': String(length) }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.write(`POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('')}\r\n${body}`);
  return socket;
}

/** What the server says to a client that only sends. */
async function firstWords(socket: Socket): Promise<readonly string[]> {
  socket.resume();
  return (await once(socket, 'data')).map(String);
}

interface Stalled {
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly length?: number;
}

describe('what one principal holds', () => {
  test('in bodies that it does not finish is bounded, and others are served', async () => {
    const { port, post } = await start({ maxPendingBytes: MIB });
    const body = ' '.repeat(400_000);
    const sockets = [1, 2, 3, 4].map(() => stall(port, { headers: headersOf(BOB), body, length: 500_000 }));
    const [refused = ''] = await Promise.race(sockets.map(firstWords));
    expect(refused).toMatch(/^HTTP\/1\.1 429 /);
    expect(refused).toMatch(/\r\nretry-after: 5\r\n/i);
    expect(refused).toContain('more than 1048576 bytes: read the answers');
    expect((await post(INITIALIZE, headersOf(ADA))).status).toBe(200);
  });

  test('in answers that it does not read is bounded, and free again once they are read', async () => {
    const { port, post } = await start({ maxPendingBytes: 6 * MIB });
    const opened = await post(INITIALIZE, headersOf(BOB));
    const headers = headersOf(BOB, { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' });
    await opened.text();
    const sockets = [1, 2, 3].map(id => stall(port, { headers, body: callBig(id) }));
    await vi.waitUntil(async () => (await post(callBig(9), headers)).status === 429, { timeout: 10_000 });
    expect((await post(INITIALIZE, headersOf(ADA))).status).toBe(200);
    for (const socket of sockets) socket.resume();
    await vi.waitUntil(async () => (await post(callBig(10), headers)).status === 200);
  });

  test('may be one answer of any size', async () => {
    const { post } = await start({ maxPendingBytes: MIB });
    const opened = await post(INITIALIZE, headersOf(BOB));
    const headers = headersOf(BOB, { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' });
    await opened.text();
    expect((await (await post(callBig(1), headers)).text()).length).toBeGreaterThan(4 * MIB);
  });
});

test.each([
  ['is nested too deep', `${'['.repeat(5000)}${']'.repeat(5000)}`, `nested more than ${MAX_DEPTH} levels`],
  [
    'is a batch of too many',
    JSON.stringify(
      Array.from({ length: MAX_BATCH + 1 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' })),
    ),
    `has ${MAX_BATCH + 1} messages, at most ${MAX_BATCH}`,
  ],
])('a body that %s is refused with its reason', async (_, body, reason) => {
  const { post } = await start({});
  const refused = await post(body, headersOf(BOB));
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain(reason);
});

test('a client that falls silent while it sends is answered, and let go of', async () => {
  const { createServer } = await import('node:http');
  const pending = { received: () => true, refusal: () => ({ status: 429, code: -32000, message: '' }) };
  let outcome: unknown;
  const server = createServer(async request => {
    outcome = await readJsonBody(request, { maxBytes: 1000, silenceMs: 20, pending });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  stall((server.address() as { port: number }).port, { headers: {}, body: '{', length: 10 });
  expect(await vi.waitUntil(() => outcome)).toMatchObject({ refusal: { status: 408 } });
});
