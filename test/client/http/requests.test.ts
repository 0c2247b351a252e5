import { Agent, Response, type fetch as undiciFetch } from 'undici';
import { expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { Requests } from '../../../src/client/http/requests.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { httpMcp, usual } from '../../fixtures/client/http-mcp.js';

test('a refusal that repeats what was sent tells no header, parameter or token', async () => {
  const fetch = (async (_url: URL, { headers }: { headers: object }) =>
    new Response(JSON.stringify(headers), { status: 500 })) as unknown as typeof undiciFetch;
  const requests = new Requests({
    url: new URL('http://127.0.0.1/mcp?key=secret-parameter'),
    headers: { 'x-key': 'secret-header' },
    fetch,
    agent: new Agent(),
    authorize: send => send('secret-token'),
  });
  const { message } = await requests.refusal(await requests.send({ method: 'POST', fixed: {} }));
  expect(message).toContain('Bearer …');
  expect(message).not.toContain('secret');
  await requests.close();
});

test('so does no JSON-RPC error that came with HTTP 200', async () => {
  const { url } = await httpMcp(({ method, params }, { headers }) =>
    method === 'tools/call'
      ? { error: { code: -32000, message: `no ${headers['x-key']}`, data: { sent: [headers['x-key']] } } }
      : usual({ jsonrpc: '2.0', id: 1, method, ...(params && { params }) }),
  );
  const client = await AwaitClient.connect({ url, headers: { 'x-key': 'secret-header' } });
  const error = await failureOf(client.callTool({ name: 'a' }));
  expect(error.message).toContain('no …');
  expect(JSON.stringify([error.message, error])).not.toContain('secret');
  await client.close();
});
