import type { ServerResponse } from 'node:http';
import { McpError } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { type HttpAnswer, httpMcp, said, usual } from '../../fixtures/client/http-mcp.js';

/** How a server refuses a request of a session that it does not know. */
type Refuse = (id: unknown, response: ServerResponse) => void;

const http =
  (status: number, body: string, headers = {}): Refuse =>
  (_id, response) =>
    response.writeHead(status, headers).end(body);

const json =
  (message: string, code = -32001, status = 200): Refuse =>
  (id, response) =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } }));

const stream =
  (message: string): Refuse =>
  (id, response) =>
    response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32000, message } })}\n\n`);

/** A server with sessions, which may be forgotten. */
async function forgetful(refuse: Refuse, call: () => HttpAnswer = () => said('hi')) {
  const live = new Set<string>();
  let sessions = 0;
  let calls = 0;
  const { url } = await httpMcp((message, { headers }, response) => {
    if (message.method === 'server/discover') return usual(message);
    if (message.method === 'initialize') {
      sessions++;
      live.add(`s${sessions}`);
      response.setHeader('mcp-session-id', `s${sessions}`);
    } else if (!live.has(String(headers['mcp-session-id']))) {
      refuse(message.id, response);
      return undefined;
    }
    if (message.method === 'ping') return { result: {} };
    if (message.method !== 'tools/call') return usual(message);
    calls++;
    return call();
  });
  const client = await AwaitClient.connect(url);
  await client.listTools();
  return { client, forget: () => live.clear(), sessions: () => sessions, calls: () => calls };
}

describe('a session that the server has forgotten is opened anew, and the call goes on, where it says', () => {
  test.each<[string, Refuse]>([
    ['HTTP 404', http(404, '')],
    ['HTTP 410', http(410, 'gone')],
    ['HTTP 400 with a word about it', http(400, 'Bad Request: No valid session ID provided')],
    ['HTTP 400 in other words', http(400, 'Server not initialized')],
    ['HTTP 400 about a transport', http(400, 'No transport found for this id')],
    ['HTTP 503 with a word about it', http(503, 'unknown session')],
    ['HTTP 503 with a word and Retry-After', http(503, 'session expired', { 'retry-after': '1' })],
    ['HTTP 409 with a word about it', http(409, 'session terminated')],
    ['HTTP 422 with a word about it', http(422, 'Mcp-Session-Id is not known')],
    ['HTTP 500 with a word about it', http(500, 'KeyError: session')],
    ['HTTP 400 with a JSON-RPC error', json('Invalid session', -32600, 400)],
    ['a JSON-RPC error', json('Session not found')],
    ['a JSON-RPC error in other words', json('Received request before initialization was complete', -32602)],
    ['a JSON-RPC error on a stream', stream('Session has expired')],
  ])('%s', async (_what, refuse) => {
    const { client, forget, sessions, calls } = await forgetful(refuse);
    forget();
    await expect(client.callTool({ name: 'a' })).resolves.toEqual((said('hi') as { result: object }).result);
    expect({ sessions: sessions(), calls: calls() }).toEqual({ sessions: 2, calls: 1 });
    await client.close();
  });
});

describe('a session is kept', () => {
  test('where the error is about a session of the tool’s own', async () => {
    const error = { code: -32000, message: 'Browser session not found' };
    const { client, sessions, calls } = await forgetful(http(404, ''), () => ({ error }));
    const failure = await failureOf(client.callTool({ name: 'a' }));
    expect(failure).toBeInstanceOf(McpError);
    expect(failure.message).toContain('Browser session not found');
    expect({ sessions: sessions(), calls: calls() }).toEqual({ sessions: 1, calls: 1 });
    await client.close();
  });

  test.each<[string, Refuse, string]>([
    ['wants authorization', http(401, 'your session is over: log in'), 'AUTHORIZATION'],
    ['forbids it', http(403, 'no session of yours'), 'AUTHORIZATION'],
    ['is busy', http(503, 'busy'), 'OUTCOME_UNKNOWN'],
  ])('where the server %s', async (_what, refuse, code) => {
    const { client, forget, sessions } = await forgetful(refuse);
    forget();
    expect(await failureOf(client.callTool({ name: 'a' }))).toMatchObject({ code });
    expect(sessions()).toBe(1);
    await client.close();
  });
});
