import type { ServerResponse } from 'node:http';
import type { JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import {
  AuthorizationError,
  OutcomeUnknownError,
  ProtocolViolationError,
  ServerUnavailableError,
} from '../../../src/errors.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { type HttpAnswer, httpMcp, usual } from '../../fixtures/client/http-mcp.js';
import { loopbackServer } from '../../fixtures/client/loopback-server.js';

interface Session {
  readonly id: string;
  readonly stream: ServerResponse;
}

interface LegacyOptions {
  /** What a POST to the stream's own path is answered with. */
  readonly refusal?: number;
  /** Where messages go. */
  readonly endpoint?: (id: string, origin: string) => string;
  /** What a message is answered with; undefined where the handler has answered by itself. */
  readonly answer?: (message: JSONRPCRequest, session: Session) => HttpAnswer;
}

/** A server of HTTP+SSE, as of 2024-11-05. */
async function legacyServer({
  refusal = 405,
  endpoint = id => `/message?sessionId=${id}`,
  answer = usual,
}: LegacyOptions = {}) {
  const sessions = new Map<string, Session>();
  const seen: { method: string; path: string; authorization: string | undefined }[] = [];
  let count = 0;
  const origin = await loopbackServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://host');
    const { method = '', headers } = request;
    seen.push({ method, path: pathname, authorization: headers.authorization });
    if (method === 'GET' && pathname === '/sse') {
      const id = `s${++count}`;
      sessions.set(id, { id, stream: response.writeHead(200, { 'content-type': 'text/event-stream' }) });
      return response.write(`event: endpoint\ndata: ${endpoint(id, origin)}\n\n`);
    }
    if (pathname !== '/message') return response.writeHead(refusal).end();
    const session = sessions.get(searchParams.get('sessionId') ?? '');
    if (session === undefined) return response.writeHead(404).end('no such session');
    response.writeHead(202).end('Accepted');
    const message = JSON.parse(body) as JSONRPCRequest;
    const said = message.id === undefined ? undefined : answer(message, session);
    if (said === undefined) return undefined;
    const data = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...said });
    return session.stream.write(`: comment\n\nevent: message\ndata: ${data}\n\n`);
  });
  return { url: `${origin}/sse`, seen, sessions, count: () => count };
}

const hi = { content: [{ type: 'text', text: 'hi' }] };

describe('a server of HTTP+SSE', () => {
  test.each([400, 404, 405])('is found where a POST is answered with %d', async refusal => {
    const { url } = await legacyServer({ refusal });
    const client = await AwaitClient.connect(url);
    await expect(client.callTool({ name: 'a' })).resolves.toEqual(hi);
    await client.close();
  });

  test('is spoken to so at once where its type says so, with its headers and no other question', async () => {
    const { url, seen } = await legacyServer();
    const headers = { Authorization: 'Bearer token' };
    const client = await AwaitClient.connect({ url, headers, type: 'sse' });
    await expect(client.callTool({ name: 'a' })).resolves.toEqual(hi);
    await client.close();
    expect(seen.map(({ method, path }) => `${method} ${path}`).slice(0, 2)).toEqual([
      'GET /sse',
      'POST /message',
    ]);
    expect(seen.every(({ authorization }) => authorization === 'Bearer token')).toBe(true);
  });

  test('may name its endpoint by a whole URL of its origin', async () => {
    const { url } = await legacyServer({ endpoint: (id, origin) => `${origin}/message?sessionId=${id}` });
    const client = await AwaitClient.connect({ url, type: 'sse' });
    await expect(client.callTool({ name: 'a' })).resolves.toEqual(hi);
    await client.close();
  });

  test('that names an endpoint elsewhere is refused, and gets no message', async () => {
    const { url } = await legacyServer({ endpoint: () => 'http://localhost:9/message' });
    const error = await failureOf(AwaitClient.connect({ url, type: 'sse' }));
    expect(error).toBeInstanceOf(ServerUnavailableError);
    expect(error.message).toMatch(/another origin/);
  });

  test('that wants authorization says so', async () => {
    const origin = await loopbackServer((request, response) =>
      response.writeHead(request.method === 'GET' ? 401 : 405).end(),
    );
    expect(await failureOf(AwaitClient.connect(`${origin}/sse`))).toBeInstanceOf(AuthorizationError);
  });

  test('whose type is wrong is spoken to over Streamable HTTP', async () => {
    const { url } = await httpMcp();
    const client = await AwaitClient.connect({ url, type: 'sse' });
    await expect(client.callTool({ name: 'a' })).resolves.toEqual(hi);
    await client.close();
  });

  test('whose stream ends in the middle of a call loses that call, and has a new session for the next', async () => {
    let isDown = true;
    const { url, count } = await legacyServer({
      answer: (message, { stream }) => {
        if (message.method !== 'tools/call' || !isDown) return usual(message);
        isDown = false;
        stream.end();
        return undefined;
      },
    });
    const client = await AwaitClient.connect(url);
    expect(await failureOf(client.callTool({ name: 'a' }))).toBeInstanceOf(OutcomeUnknownError);
    await expect(client.callTool({ name: 'a' })).resolves.toEqual(hi);
    expect(count()).toBe(2);
    await client.close();
  });

  test('that has forgotten the session gets a new one, and the call', async () => {
    const { url, sessions, count } = await legacyServer();
    const client = await AwaitClient.connect(url);
    await client.listTools();
    sessions.clear();
    await expect(client.callTool({ name: 'a' })).resolves.toEqual(hi);
    expect(count()).toBe(2);
    await client.close();
  });

  test('goes on with a wait when its stream is cut', async () => {
    let polls = 0;
    const tools = ['initiate_background_task', 'resolve_task_status'].map(name => ({
      name,
      inputSchema: { type: 'object' },
    }));
    const { url, count } = await legacyServer({
      answer: (message, { stream }) => {
        if (message.method === 'tools/list') return { result: { tools } };
        if (message.method !== 'tools/call') return usual(message);
        const isStart = message.params?.name === 'initiate_background_task';
        if (!isStart && ++polls === 1) return void stream.destroy();
        const status = isStart ? 'queued' : 'completed';
        return { result: { content: [], structuredContent: { task_ref: 't', status, result: 42 } } };
      },
    });
    const client = await AwaitClient.connect(url, { initialIntervalMs: 1 });
    await expect(client.callTool({ name: 'initiate_background_task' })).resolves.toMatchObject({
      structuredContent: { result: 42 },
    });
    expect(count()).toBe(2);
    await client.close();
  });

  test('whose answer is too large fails the call with the name of the limit', async () => {
    const { url } = await legacyServer({
      answer: message =>
        message.method === 'tools/call'
          ? { result: { content: [{ type: 'text', text: 'x'.repeat(20_000) }] } }
          : usual(message),
    });
    const client = await AwaitClient.connect(url, { maxAnswerBytes: 10_000 });
    const error = await failureOf(client.callTool({ name: 'a' }));
    expect(error).toBeInstanceOf(ProtocolViolationError);
    expect(error.message).toContain('`maxAnswerBytes`');
    await client.close();
  });
});
