import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import {
  AuthorizationError,
  AwaitAbortedError,
  ConfigurationError,
  ServerUnavailableError,
} from '../../../src/errors.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { sendAnswer, usual } from '../../fixtures/client/http-mcp.js';
import { loopbackServer, unusedOrigin } from '../../fixtures/client/loopback-server.js';

const SECRETS = { headers: { Authorization: 'Bearer secret-header' } };
const QUERY = '?key=secret-query#secret-fragment';

interface McpOptions {
  /** Names of the tools. @default ['greet'] */
  readonly tools?: readonly string[];
  readonly call?: (name: string) => Promise<CallToolResult>;
  readonly enableJsonResponse?: boolean;
  /** Comes before each request; true when it has answered by itself. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** A real MCP server over Streamable HTTP with sessions. @returns its URL and the requests that it saw */
async function mcpServer({
  tools = ['greet'],
  call = async () => ({ content: [{ type: 'text', text: 'hello' }] }),
  enableJsonResponse = false,
  intercept,
}: McpOptions = {}) {
  const seen: { method: string; headers: IncomingMessage['headers'] }[] = [];
  const server = new Server({ name: 'http', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: tools.map(name => ({ name, inputSchema: { type: 'object' as const } })),
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => call(params.name));
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    enableJsonResponse,
  });
  await server.connect(transport as Parameters<Server['connect']>[0]);
  const origin = await loopbackServer((request, response) => {
    seen.push({ method: request.method ?? '', headers: request.headers });
    if (!intercept?.(request, response)) transport.handleRequest(request, response);
  });
  return { url: `${origin}/mcp`, seen };
}

const answerWith =
  (status: number, type: string, body: string, headers: Record<string, string> = {}): RequestListener =>
  (request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': type, ...headers }).end(body);
  };

/** No failure tells a header, a query or a fragment. */
function expectNoSecret(error: Error) {
  for (let link: unknown = error; link instanceof Error; link = link.cause)
    expect(link.message).not.toMatch(/secret-/);
}

describe('a URL', () => {
  test.each([false, true])('is connected to and called (JSON answers: %s)', async enableJsonResponse => {
    const { url } = await mcpServer({ enableJsonResponse });
    const client = await AwaitClient.connect(url);
    await expect(client.callTool({ name: 'greet' })).resolves.toEqual({
      content: [{ type: 'text', text: 'hello' }],
    });
    await client.close();
  });

  test('may be a URL object, or have headers, which go with every request', async () => {
    const { url, seen } = await mcpServer();
    const client = await AwaitClient.connect({ url: new URL(url), ...SECRETS });
    await client.callTool({ name: 'greet' });
    await client.close();
    expect(new Set(seen.map(request => request.method))).toEqual(new Set(['POST', 'GET', 'DELETE']));
    for (const { headers } of seen) expect(headers.authorization).toBe('Bearer secret-header');
  });

  test('is told when the session is over', async () => {
    const { url, seen } = await mcpServer();
    const client = await AwaitClient.connect(url);
    await client.close();
    expect(seen.at(-1)).toMatchObject({
      method: 'DELETE',
      headers: { 'mcp-session-id': expect.any(String) },
    });
  });

  test('that does not answer the goodbye does not hold up close() for long', async () => {
    const { url } = await mcpServer({ intercept: request => request.method === 'DELETE' });
    const client = await AwaitClient.connect(url);
    await client.close();
    expect(client.transport).toBeUndefined();
  });
});

describe('a URL that cannot be spoken to', () => {
  const failAt = async (
    listener: RequestListener,
    path = '/mcp',
    Class: typeof AuthorizationError | typeof ServerUnavailableError = ServerUnavailableError,
  ) => {
    const origin = await loopbackServer(listener);
    const error = await failureOf(AwaitClient.connect({ url: `${origin}${path}${QUERY}`, ...SECRETS }));
    expect(error).toBeInstanceOf(Class);
    expect(error.message).toContain(`${origin}${path}`);
    expectNoSecret(error);
    return error.message;
  };

  test('because nothing listens there says so', async () => {
    const origin = await unusedOrigin();
    const error = await failureOf(AwaitClient.connect({ url: `${origin}/mcp${QUERY}`, ...SECRETS }));
    expect(error).toBeInstanceOf(ServerUnavailableError);
    expect(error.message).toBe(`Nothing listens at ${origin}/mcp; start the server, or check host and port.`);
    expectNoSecret(error);
  });

  test.each([401, 403])('because it wants authorization (HTTP %d) says what to give', async status => {
    expect(await failAt(answerWith(status, 'text/plain', 'no'), '/mcp', AuthorizationError)).toMatch(
      new RegExp(`wants authorization \\(HTTP ${status}\\); give it a header such as \`Authorization`),
    );
  });

  test.each([404, 405, 400])(
    'because there is no endpoint (HTTP %d) says to check the path',
    async status => {
      expect(await failAt(answerWith(status, 'text/plain', 'no'), '/')).toMatch(
        new RegExp(`no MCP endpoint at .*\\(HTTP ${status}\\); check the path`),
      );
    },
  );

  test.each([
    ['HTML', answerWith(200, 'text/html', '<html>Welcome</html>')],
    ['JSON that is no MCP', answerWith(200, 'application/json', '{"hello":"world"}')],
    ['a body that is no JSON', answerWith(200, 'application/json', 'hello')],
  ])('because it answers with %s says that this is no MCP endpoint', async (_what, listener) => {
    expect(await failAt(listener)).toMatch(/does not answer with MCP .*check the path/s);
  });

  test('because it fails (HTTP 500) says so and quotes no more than the beginning of the page', async () => {
    const message = await failAt(answerWith(500, 'text/html', `<html>${'x'.repeat(5000)}`));
    expect(message).toMatch(/HTTP 500/);
    expect(message.length).toBeLessThan(600);
  });

  test('because it sends us elsewhere names the redirect and no secret', async () => {
    await failAt(answerWith(302, 'text/plain', '', { location: 'http://127.0.0.1:9/?key=secret-location' }));
  });

  test('because it drops the connection says what happened', async () => {
    expect(await failAt(request => request.socket.destroy())).toMatch(/could not be spoken to: ./);
  });

  test('because it does not take the end of the greeting can be given up on', async () => {
    const given = new AbortController();
    const origin = await loopbackServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      if (request.method !== 'POST') return response.writeHead(405).end();
      const message = JSON.parse(body);
      if (message.id === undefined) return given.abort(new Error('enough'));
      return sendAnswer(response, message.id, usual(message) ?? {});
    });
    const error = await failureOf(AwaitClient.connect(`${origin}/mcp`, { signal: given.signal }));
    expect(error).toBeInstanceOf(AwaitAbortedError);
  });

  test('because it does not answer in time says after how long', async () => {
    const origin = await loopbackServer(() => {});
    const error = await failureOf(AwaitClient.connect(`${origin}/mcp${QUERY}`, { connectTimeoutMs: 40 }));
    expect(error.message).toBe(
      `The server at ${origin}/mcp did not answer \`initialize\` within 40 ms (\`connectTimeoutMs\`, --connect-timeout).`,
    );
    expectNoSecret(error);
  });
});

describe('a target that makes no sense', () => {
  test.each<[string, unknown, RegExp]>([
    [
      'another scheme',
      { url: 'ftp://user:secret-password@host/a?key=secret-query' },
      /http:\/\/ or https:\/\//,
    ],
    ['no URL', { url: 'localhost/mcp?key=secret-query' }, /http:\/\/ or https:\/\//],
    ['an empty command', { command: '' }, /Expected a target/],
    ['nothing', {}, /Expected a target/],
    [
      'a header that cannot be sent',
      { url: 'http://127.0.0.1:9/mcp', headers: { 'X-Token': 'secret-a\nsecret-b' } },
      /header `X-Token`/,
    ],
    [
      'a header without a proper name',
      { url: 'http://127.0.0.1:9/mcp', headers: { 'X Token': 'secret-a' } },
      /header `X Token`/,
    ],
  ])('(%s) is refused before anything is begun, and no secret is told', async (_what, target, message) => {
    const error = await failureOf(AwaitClient.connect(target as never));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(message);
    expectNoSecret(error);
  });
});

describe('a call over HTTP', () => {
  const hello: CallToolResult = { content: [{ type: 'text', text: 'hello' }] };

  test('that is answered with an HTML page is a violation, not lost contact', async () => {
    let broken = false;
    const { url } = await mcpServer({
      intercept: (request, response) => {
        if (!broken) return false;
        answerWith(200, 'text/html', '<html>maintenance</html>')(request as never, response as never);
        return true;
      },
    });
    const client = await AwaitClient.connect(url);
    await client.callTool({ name: 'greet' });
    broken = true;
    expect(await failureOf(client.callTool({ name: 'greet' }))).toMatchObject({
      name: 'ProtocolViolationError',
      tool: 'greet',
    });
    await client.close();
  });

  const drop = (request: IncomingMessage) => request.socket.destroy();

  test.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['drops the connection', drop],
    [
      'answers HTTP 503',
      (request, response) => answerWith(503, 'text/html', 'busy')(request, response as never),
    ],
    [
      'answers HTTP 429',
      (request, response) => answerWith(429, 'text/plain', 'slow')(request, response as never),
    ],
  ])('to a server that %s in the middle of a wait goes on', async (_what, fail) => {
    let failures = 0;
    const { url } = await mcpServer({
      tools: ['initiate_background_task', 'resolve_task_status'],
      call: async name => {
        const isStart = name === 'initiate_background_task';
        if (isStart) failures = 1;
        const status = isStart ? 'queued' : 'completed';
        return { content: [], structuredContent: { task_ref: 'task-1', status, result: 42 } };
      },
      intercept: (request, response) => {
        if (failures === 0) return false;
        failures--;
        fail(request, response);
        return true;
      },
    });
    const failed: unknown[] = [];
    const client = await AwaitClient.connect(url, {
      initialIntervalMs: 1,
      onEvent: event => event.type === 'request-failed' && failed.push(event.error),
    });
    await expect(client.callTool({ name: 'initiate_background_task' })).resolves.toMatchObject({
      structuredContent: { result: 42 },
    });
    expect(failed).toHaveLength(1);
    await client.close();
  });

  describe('to a server that is silent for longer than undici allows', () => {
    const before = getGlobalDispatcher();

    afterEach(() => {
      setGlobalDispatcher(before);
    });

    /** undici checks its time-outs about once a second; this is well beyond the one below. */
    const SILENCE_MS = 2500;
    const impatient = () => setGlobalDispatcher(new Agent({ headersTimeout: 100, bodyTimeout: 100 }));
    const slowly = () => new Promise<CallToolResult>(resolve => setTimeout(resolve, SILENCE_MS, hello));

    test.each([
      ['before the head of its answer', true],
      ['in the body of its answer', false],
    ])('is not cut %s, though a plain fetch is', { timeout: 15_000 }, async (_where, enableJsonResponse) => {
      impatient();
      const { url } = await mcpServer({ call: slowly, enableJsonResponse });
      const client = await AwaitClient.connect(url);
      const silent = await loopbackServer((_request, response) => {
        if (!enableJsonResponse) response.writeHead(200).flushHeaders();
        setTimeout(() => response.end('late'), SILENCE_MS);
      });
      const plain = failureOf(fetch(silent).then(response => response.text()));
      await expect(client.callTool({ name: 'greet' })).resolves.toEqual(hello);
      expect(await plain).toBeInstanceOf(TypeError);
      await client.close();
    });
  });
});
