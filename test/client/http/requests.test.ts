import { brotliCompressSync, createBrotliCompress, createDeflate, createGzip, gzipSync } from 'node:zlib';
import { Agent } from 'undici';
import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { Requests } from '../../../src/client/http/requests.js';
import { VERSION } from '../../../src/version.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { httpMcp, said, usual } from '../../fixtures/client/http-mcp.js';
import { loopbackServer } from '../../fixtures/client/loopback-server.js';

test('a refusal that repeats what was sent tells no header, parameter or token', async () => {
  const origin = await loopbackServer(({ headers }, response) =>
    response.writeHead(500).end(JSON.stringify(headers)),
  );
  const requests = new Requests({
    url: new URL(`${origin}/mcp?key=secret-parameter`),
    headers: { 'x-key': 'secret-header' },
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

describe('an answer may be compressed', () => {
  const encoders = {
    gzip: createGzip,
    'x-gzip': createGzip,
    deflate: createDeflate,
    br: createBrotliCompress,
  };

  test.each(Object.entries(encoders))(
    'with %s, and its events are read when they arrive',
    async (encoding, encoder) => {
      const headers = { 'content-type': 'text/event-stream', 'content-encoding': encoding };
      const { url, seen } = await httpMcp((message, _request, response) => {
        if (message.method !== 'tools/call') return usual(message);
        const encoded = encoder();
        encoded.pipe(response.writeHead(200, headers));
        encoded.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...said('hi') })}\n\n`);
        encoded.flush();
        return undefined;
      });
      const client = await AwaitClient.connect(url);
      expect(await client.callTool({ name: 'a' })).toMatchObject({ content: [{ text: 'hi' }] });
      expect(seen.map(request => request.headers['user-agent'])).toContain(`mcp-await/${VERSION}`);
      await client.close();
    },
  );

  test('more than once', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip, BR' };
    const { url } = await httpMcp((message, _request, response) => {
      if (message.method !== 'tools/call') return usual(message);
      const answer = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...said('hi') });
      response.writeHead(200, headers).end(brotliCompressSync(gzipSync(answer)));
      return undefined;
    });
    const client = await AwaitClient.connect(url);
    expect(await client.callTool({ name: 'a' })).toMatchObject({ content: [{ text: 'hi' }] });
    await client.close();
  });

  test('and one that breaks off in the middle is no answer', async () => {
    const { url } = await httpMcp((message, _request, response) => {
      if (message.method !== 'tools/call') return usual(message);
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      response.writeHead(200, headers).end(gzipSync('{"jsonrpc":"2.0"').subarray(0, -9));
      return undefined;
    });
    const client = await AwaitClient.connect(url);
    expect((await failureOf(client.callTool({ name: 'a' }))).message).toContain('the answer broke off');
    await client.close();
  });
});

describe('an answer is taken', () => {
  const answer = (id: unknown, more: object = {}) => ({ jsonrpc: '2.0', id, ...said('hi'), ...more });
  const shapes: [string, (id: unknown) => unknown][] = [
    ['beside an error that is null', id => answer(id, { error: null })],
    ['beside a member that JSON-RPC does not know', id => answer(id, { elapsed: 3 })],
    ['in a batch', id => [answer(id)]],
    ['without the version of JSON-RPC', id => answer(id, { jsonrpc: undefined })],
  ];
  const bodies: [string, string, (value: unknown) => string][] = [
    ['a body', 'application/json', value => JSON.stringify(value)],
    ['an event', 'text/event-stream', value => `data: ${JSON.stringify(value)}\n\n`],
    ['an event that no blank line ends', 'text/event-stream', value => `data: ${JSON.stringify(value)}\n`],
  ];
  const answering = async (type: string, bodyOf: (id: unknown) => string) => {
    const { url } = await httpMcp((message, _request, response) => {
      if (message.method !== 'tools/call') return usual(message);
      response.writeHead(200, { 'content-type': type }).end(bodyOf(message.id));
      return undefined;
    });
    return AwaitClient.connect(url);
  };

  describe.each(bodies)('from %s', (_where, type, written) => {
    test.each(shapes)('%s', async (_what, shape) => {
      const client = await answering(type, id => written(shape(id)));
      expect({ result: await client.callTool({ name: 'a' }) }).toMatchObject(said('hi') ?? {});
      await client.close();
    });

    test.each([null, undefined])('as an error that names no request: %s', async id => {
      const refusal = { jsonrpc: '2.0', id, error: { code: -32603, message: 'the oven is cold' } };
      const client = await answering(type, () => written(refusal));
      expect((await failureOf(client.callTool({ name: 'a' }))).message).toContain('the oven is cold');
      await client.close();
    });

    test.each([
      'the oven is cold',
      { code: 'E_COLD', message: 'the oven is cold' },
      { code: 1.5, reason: 'the oven is cold' },
    ])('as an error that is not in the shape of JSON-RPC: %j', async error => {
      const client = await answering(type, id => written({ jsonrpc: '2.0', id, error }));
      expect((await failureOf(client.callTool({ name: 'a' }))).message).toContain('the oven is cold');
      await client.close();
    });
  });

  test('from an event of another name', async () => {
    const written = (id: unknown) =>
      `event: ping\ndata: {}\n\nevent: response\ndata: ${JSON.stringify(answer(id))}\n\n`;
    const client = await answering('text/event-stream', written);
    expect({ result: await client.callTool({ name: 'a' }) }).toMatchObject(said('hi') ?? {});
    await client.close();
  });
});

test('a call that HTTP refuses is told with the status, and not as a server out of reach', async () => {
  const { url } = await httpMcp((message, _request, response) => {
    if (message.method !== 'tools/call') return usual(message);
    response.writeHead(413).end('too much');
    return undefined;
  });
  const client = await AwaitClient.connect(url);
  expect((await failureOf(client.callTool({ name: 'a' }))).message).toContain(
    'the server refused the request (Streamable HTTP error: HTTP 413: too much)',
  );
  await client.close();
});
