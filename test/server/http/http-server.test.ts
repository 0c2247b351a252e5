import { createServer, request as nodeRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CallToolRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ConfigurationError } from '../../../src/errors.js';
import {
  type HttpServer,
  type HttpServerOptions,
  startHttpServer,
} from '../../../src/server/http/http-server.js';

const ADA = 'ada-has-a-long-token';
const BOB = 'bob-has-a-long-token';
const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};

const running: HttpServer[] = [];
const clients: Client[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map(client => client.close()));
  await Promise.all(running.splice(0).map(server => server.close(0)));
});

/** Signals of the calls of `wait`, a tool that ends only when it is aborted or told to. */
interface Waiting {
  readonly signal: AbortSignal;
  finish(): void;
}

async function start(options: Partial<HttpServerOptions> = {}) {
  const waiting: Waiting[] = [];
  const createMcpServer = (principal: string) => {
    const server = new Server({ name: 'test', version: '1' }, { capabilities: { tools: {} } });
    server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal }) => {
      const answer = { content: [{ type: 'text' as const, text: principal }] };
      if (params.name !== 'wait') return answer;
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        waiting.push({ signal, finish: () => resolve(answer) });
      });
    });
    return server;
  };
  const onError = vi.fn();
  const server = await startHttpServer({ createMcpServer, port: 0, onError, ...options });
  running.push(server);
  return { server, waiting, onError };
}

async function connectClient({ url }: HttpServer, token?: string) {
  const client = new Client({ name: 'test', version: '1' });
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  await client.connect(transport as Transport);
  clients.push(client);
  return { client, transport };
}

function post({ url }: HttpServer, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(url, { method: 'POST', headers: { ...HEADERS, ...headers }, body: text });
}

/** Opens a session by hand and returns its id. */
async function openSession(server: HttpServer, headers?: Record<string, string>): Promise<string> {
  const response = await post(server, INITIALIZE, headers);
  await response.text();
  expect(response.status).toBe(200);
  return response.headers.get('mcp-session-id') ?? '';
}

/** With a Host header that fetch would not send. */
function statusWithHost(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = nodeRequest(url, { headers: { host } }, response => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once('error', reject).end();
  });
}

const call = (id: number, name: string) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } });

describe('session', () => {
  test("serves the SDK's own client", async () => {
    const { server } = await start();
    const { client } = await connectClient(server);
    await expect(client.callTool({ name: 'who' })).resolves.toMatchObject({ content: [{ text: 'local' }] });
  });

  test('belongs to the principal that opened it', async () => {
    const { server } = await start({ tokens: [`ada=${ADA}`, `bob=${BOB}`] });
    const { client } = await connectClient(server, ADA);
    await expect(client.callTool({ name: 'who' })).resolves.toMatchObject({ content: [{ text: 'ada' }] });
    const id = await openSession(server, { authorization: `Bearer ${ADA}` });
    const stolen = await post(server, call(2, 'who'), {
      authorization: `Bearer ${BOB}`,
      'mcp-session-id': id,
    });
    expect(stolen.status).toBe(404);
  });

  test('that is unknown, closed or expired is 404, so that the client initialises again', async () => {
    const clock = { nowMs: 0 };
    const { server } = await start({ sessionIdleMs: 1000, now: () => clock.nowMs });
    const closed = await openSession(server);
    const expired = await openSession(server);
    await fetch(server.url, { method: 'DELETE', headers: { 'mcp-session-id': closed } });
    clock.nowMs = 1000;
    for (const id of ['unknown', closed, expired]) {
      const response = await post(server, call(2, 'who'), { 'mcp-session-id': id });
      expect(response.status).toBe(404);
      await expect(response.json()).resolves.toMatchObject({ error: { code: -32001 } });
    }
  });

  test('is needed for all but initialize', async () => {
    const { server } = await start();
    for (const response of [await post(server, call(1, 'who')), await fetch(server.url)]) {
      expect(response.status).toBe(400);
      await expect(response.json()).resolves.toMatchObject({ error: { code: -32000 } });
    }
  });

  test('that the transport refuses to open takes no room', async () => {
    const { server } = await start({ maxSessions: 1 });
    const refused = await post(server, INITIALIZE, { accept: 'text/html' });
    expect(refused.status).toBe(406);
    await refused.text();
    await openSession(server);
  });

  test('beyond the limit is 429, also when all come at once', async () => {
    const { server } = await start({ maxSessions: 2 });
    const responses = await Promise.all([1, 2, 3, 4].map(() => post(server, INITIALIZE)));
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 200, 429, 429]);
    expect(responses.find(({ status }) => status === 429)?.headers.get('retry-after')).toBe('60');
    await Promise.all(responses.map(response => response.text()));
  });
});

describe('hanging up', () => {
  test('aborts the handlers of the request, and the session goes on', async () => {
    const { server, waiting, onError } = await start();
    const id = await openSession(server);
    const controller = new AbortController();
    const headers = { ...HEADERS, 'mcp-session-id': id };
    const body = JSON.stringify(call(2, 'wait'));
    const polling = fetch(server.url, { method: 'POST', headers, body, signal: controller.signal });
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    controller.abort();
    await polling.then(response => response.text()).catch(() => undefined);
    await vi.waitFor(() => expect(waiting[0]?.signal.aborted).toBe(true));
    const next = await post(server, call(3, 'who'), { 'mcp-session-id': id });
    await expect(next.text()).resolves.toContain('local');
    expect(onError).not.toHaveBeenCalled();
  });

  test('loses nothing for a client that can resume: it gets the answer with its next request', async () => {
    const { server, waiting, onError } = await start();
    const session = {
      'mcp-session-id': await openSession(server),
      'mcp-protocol-version': '2025-11-25',
      ...HEADERS,
    };
    const controller = new AbortController();
    const body = JSON.stringify(call(2, 'wait'));
    const { signal } = controller;
    const broken = await fetch(server.url, { method: 'POST', headers: session, body, signal });
    const first = new TextDecoder().decode((await broken.body?.getReader().read())?.value);
    const [, id = ''] = /^id: (\S+)\nretry: \d+\ndata: \n\n/.exec(first) ?? [];
    controller.abort();
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    waiting[0]?.finish();
    const resumed = await fetch(server.url, { headers: { ...session, 'last-event-id': id } });
    const rest = new TextDecoder().decode((await resumed.body?.getReader().read())?.value);
    expect(rest).toContain('"id":2');
    expect(rest).toContain('local');
    expect(waiting[0]?.signal.aborted).toBe(false);
    const stranger = { ...session, 'mcp-session-id': await openSession(server), 'last-event-id': id };
    expect((await fetch(server.url, { headers: stranger })).status).toBe(400);
    expect(onError).not.toHaveBeenCalledWith(expect.objectContaining({ name: 'TypeError' }));
  });

  test('in the middle of a body is no error of ours', async () => {
    const { server, onError } = await start();
    const health = `http://127.0.0.1:${server.port}/health`;
    const socket = connect(server.port, '127.0.0.1');
    const head = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{';
    await new Promise(resolve => socket.write(head, resolve));
    await fetch(health);
    socket.destroy();
    await expect(fetch(health)).resolves.toMatchObject({ status: 200 });
    expect(onError).not.toHaveBeenCalled();
  });
});

describe('guards', () => {
  test('refuse a foreign Host and say what to do', async () => {
    const { server } = await start();
    await expect(statusWithHost(server.url, 'evil.example')).resolves.toBe(403);
    await expect(statusWithHost(server.url, 'localhost:3000')).resolves.toBe(400);
  });

  test('refuse a foreign Origin and say what to do', async () => {
    const { server } = await start({ allowedOrigins: ['https://app.example.com'] });
    const refused = await post(server, INITIALIZE, { origin: 'http://evil.example' });
    expect(refused.status).toBe(403);
    await expect(refused.json()).resolves.toMatchObject({
      error: {
        message:
          'Origin "http://evil.example" is not allowed: if you trust it, start the server with --allowed-origin',
      },
    });
    const allowed = await post(server, INITIALIZE, { origin: 'https://app.example.com' });
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    await allowed.text();
  });

  test("answer a browser's question beforehand, without a token", async () => {
    const { server } = await start({ tokens: [ADA] });
    const origin = 'http://localhost:5173';
    const response = await fetch(server.url, { method: 'OPTIONS', headers: { origin } });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-headers')).toContain('Mcp-Session-Id');
  });

  test.each([undefined, 'Bearer wrong', `Basic ${ADA}`])(
    'refuse the authorization %s',
    async authorization => {
      const { server, onError } = await start({ tokens: [ADA] });
      const response = await post(server, INITIALIZE, authorization === undefined ? {} : { authorization });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
      await expect(response.text()).resolves.not.toContain(ADA);
      expect(onError).not.toHaveBeenCalled();
    },
  );
});

describe('requests', () => {
  test('health is open to a probe that calls by address and has no token', async () => {
    const { server } = await start({ tokens: [ADA] });
    const response = await fetch(`http://127.0.0.1:${server.port}/health`);
    await expect(response.json()).resolves.toEqual({ status: 'ok' });
    await expect(statusWithHost(`http://127.0.0.1:${server.port}/health`, '10.0.0.7')).resolves.toBe(200);
  });

  test.each([
    ['GET', '/', 404],
    ['POST', '/mcp/', 404],
    ['PUT', '/mcp', 405],
    ['OPTIONS', '/mcp', 405],
    ['DELETE', '/mcp', 400],
    ['POST', '/health', 405],
  ])('%s %s is %i', async (method, path, status) => {
    const { server } = await start();
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    expect(response.status).toBe(status);
    if (status === 405) expect(response.headers.get('allow')).toMatch(/GET/);
    await expect(response.json()).resolves.toMatchObject({ jsonrpc: '2.0', id: null });
  });

  test.each(['', '{', 'hello'])('the body %j is a parse error', async body => {
    const { server } = await start();
    const response = await post(server, body);
    expect(response.status).toBe(400);
    await expect(response.json()).resolves.toMatchObject({ error: { code: -32700 } });
  });

  test('a body above the limit is 413, with and without a length', async () => {
    const { server } = await start({ maxBodyBytes: 1000 });
    const long = `"${'a'.repeat(200_000)}"`;
    const stream = new Blob([long]).stream();
    const chunked = { method: 'POST', headers: HEADERS, body: stream, duplex: 'half' } as RequestInit;
    for (const response of [await post(server, long), await fetch(server.url, chunked)]) {
      expect(response.status).toBe(413);
      await expect(response.json()).resolves.toMatchObject({ error: { code: -32600 } });
    }
  });

  test('with an id that is not answered yet are refused, and with one that is are taken', async () => {
    const { server, waiting } = await start();
    const session = { 'mcp-session-id': await openSession(server) };
    const call = (name: string) => ({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name } });
    const first = post(server, call('wait'), session);
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    // An answer of the client's may have the same id.
    await post(server, { jsonrpc: '2.0', id: 7, result: {} }, session);
    const second = await post(server, call('other'), session);
    expect(second.status).toBe(400);
    await expect(second.json()).resolves.toMatchObject({
      error: { code: -32600, message: expect.stringContaining('the id 7 is not answered yet') },
    });
    waiting[0]?.finish();
    await expect((await first).text()).resolves.toContain('"id":7');
    const third = await post(server, call('other'), session);
    await expect(third.text()).resolves.toContain('"id":7');
  });

  test('that break the factory are an internal error, told to the operator only', async () => {
    const failure = new Error('no database');
    const { server, onError } = await start({
      createMcpServer: () => {
        throw failure;
      },
    });
    const response = await post(server, INITIALIZE);
    expect(response.status).toBe(500);
    await expect(response.text()).resolves.not.toContain('database');
    expect(onError).toHaveBeenCalledWith(failure);
  });
});

describe('listening', () => {
  test.each(['0.0.0.0', '::', '192.0.2.1', 'example.com'])('on %s needs a token', async host => {
    const starting = start({ host });
    await expect(starting).rejects.toThrow(ConfigurationError);
    await expect(starting).rejects.toThrow(`Listening on ${host} without a token would let anybody in`);
  });

  test('on all addresses works with a token, and gives a URL that passes the guards', async () => {
    const { server } = await start({ host: '0.0.0.0', tokens: [ADA] });
    expect(server.url).toBe(`http://127.0.0.1:${server.port}/mcp`);
    await openSession(server, { authorization: `Bearer ${ADA}` });
  });

  test('on a port in use says so', async () => {
    const other = createServer();
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await expect(start({ port })).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is in use: choose another with --port, or 0 for any free one`,
    );
    other.close();
  });

  test.each([-1, 65_536, 1.5, Number.NaN])('on port %s is refused', async port => {
    await expect(start({ port })).rejects.toThrow('Expected `port` to be a whole number from 0 to 65535');
  });
});

describe('close', () => {
  test('lets an open call end, then ends streams and connections', async () => {
    const { server, waiting } = await start();
    const { client } = await connectClient(server);
    const answer = client.callTool({ name: 'wait' });
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    const closing = server.close(5000);
    const refused = await fetch(server.url);
    expect(refused.status).toBe(503);
    await refused.text();
    waiting[0]?.finish();
    await expect(answer).resolves.toMatchObject({ content: [{ text: 'local' }] });
    await closing;
    await expect(fetch(server.url)).rejects.toThrow('fetch failed');
  });

  test('aborts what has not ended after the grace', async () => {
    const { server, waiting } = await start();
    const id = await openSession(server);
    const polling = post(server, call(2, 'wait'), { 'mcp-session-id': id });
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    await server.close(10);
    expect(waiting[0]?.signal.aborted).toBe(true);
    await polling.then(response => response.text()).catch(() => undefined);
  });

  test('may be asked for twice', async () => {
    const { server } = await start();
    await Promise.all([server.close(0), server.close(0)]);
    await expect(fetch(server.url)).rejects.toThrow('fetch failed');
  });
});
