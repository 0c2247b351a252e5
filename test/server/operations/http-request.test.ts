import { Buffer } from 'node:buffer';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type HttpRequestOptions, httpRequest } from '../../../src/server/operations/http-request.js';
import { unasked } from '../../fixtures/server/unasked.js';
import { refusalOf, runOperation } from './run-operation.js';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function call(input: object, options: HttpRequestOptions = { allowPrivate: true }) {
  return runOperation(httpRequest(options), input);
}

/** A name server that knows one name. */
function resolveTo(...addresses: string[]): LookupFunction {
  return (_, options, callback) => {
    const found = addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }));
    if (options.all) callback(null, found);
    else callback(null, found[0]?.address ?? '', found[0]?.family);
  };
}

describe('result', () => {
  test('has status, headers, body and parsed JSON, and no cookies', async () => {
    const url = await listen((_, response) => {
      response.writeHead(201, {
        'content-type': 'application/json',
        'set-cookie': 'session=secret',
        'x-id': '7',
      });
      response.end('{"ok":true}');
    });
    const result = await call({ url });
    expect(result).toMatchObject({ status: 201, body: '{"ok":true}', encoding: 'text', json: { ok: true } });
    expect(result.headers).toMatchObject({ 'x-id': '7' });
    expect(result.headers).not.toHaveProperty('set-cookie');
  });

  test.each<[string, string, Buffer, object]>([
    ['UTF-8', 'text/plain', Buffer.from('für'), { body: 'für', encoding: 'text' }],
    ['another charset', 'text/plain; charset=latin1', Buffer.from([0xfc]), { body: 'ü', encoding: 'text' }],
    ['bytes', 'image/png', Buffer.from([0x89, 0x50, 0xff]), { body: 'iVD/', encoding: 'base64' }],
    [
      'an unknown charset',
      'text/plain; charset=klingon',
      Buffer.from('a'),
      { body: 'YQ==', encoding: 'base64' },
    ],
    ['nothing', 'text/plain', Buffer.alloc(0), { body: '', encoding: 'text' }],
    ['problem JSON', 'application/problem+json', Buffer.from('[1]'), { json: [1] }],
  ])('reads %s', async (_, type, body, expected) => {
    const url = await listen((_, response) => response.setHeader('content-type', type).end(body));
    await expect(call({ url })).resolves.toMatchObject(expected);
  });

  test('of broken JSON is text', async () => {
    const url = await listen((_, response) =>
      response.setHeader('content-type', 'application/json').end('{'),
    );
    const result = await call({ url });
    expect(result.body).toBe('{');
    expect(result).not.toHaveProperty('json');
  });

  test('of JSON that is nested too deeply is text', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const url = await listen((_, response) =>
      response.setHeader('content-type', 'application/json').end(deep),
    );
    const result = await call({ url });
    expect(result.body).toBe(deep);
    expect(result).not.toHaveProperty('json');
  });

  test('is unpacked, and the limit counts what comes out', async () => {
    const packed = gzipSync(Buffer.alloc(5_000, 97));
    const url = await listen((_, response) => response.setHeader('content-encoding', 'gzip').end(packed));
    await expect(call({ url })).resolves.toMatchObject({ body: 'a'.repeat(5_000) });
    await expect(call({ url }, { allowPrivate: true, maxResponseBytes: 4_999 })).rejects.toMatchObject({
      code: 'RESPONSE_TOO_LARGE',
    });
  });

  test('may have the length of the limit and not a byte more', async () => {
    const url = await listen((_, response) => response.end('12345'));
    await expect(call({ url }, { allowPrivate: true, maxResponseBytes: 5 })).resolves.toMatchObject({
      status: 200,
    });
    await expect(call({ url }, { allowPrivate: true, maxResponseBytes: 4 })).rejects.toMatchObject({
      code: 'RESPONSE_TOO_LARGE',
      message: 'The response is larger than the limit of 4 bytes',
      retryable: false,
    });
  });
});

describe('request', () => {
  function echo(): Promise<string> {
    return listen(async (request, response) => {
      const chunks: Uint8Array[] = await request.toArray();
      const { method, headers } = request;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ method, headers, body: Buffer.concat(chunks).toString() }));
    });
  }

  test('sends method, headers and a text body', async () => {
    const { json } = await call({
      url: await echo(),
      method: 'PUT',
      headers: { 'X-Api-Key': 'k' },
      body: 'hello',
    });
    expect(json).toMatchObject({ method: 'PUT', headers: { 'x-api-key': 'k' }, body: 'hello' });
  });

  test('sends anything else as JSON', async () => {
    const { json } = await call({ url: await echo(), method: 'POST', body: { a: [1] } });
    expect(json).toMatchObject({ headers: { 'content-type': 'application/json' }, body: '{"a":[1]}' });
  });

  test.each<[object, string]>([
    [{ url: 'nowhere' }, 'Expected `url` to be an absolute URL'],
    [{ url: 'ftp://example.com' }, 'Expected an http or https URL, got ftp:'],
    [{ url: 'http://example.com', body: 'x' }, 'Expected no `body` with GET'],
    [{ url: 'http://example.com', headers: { Host: 'internal' } }, 'Header "Host" cannot be sent'],
    [{ url: 'http://example.com', headers: { 'a b': 'c' } }, 'Header "a b" cannot be sent'],
    [{ url: 'http://example.com', headers: { a: 'secret\r\nb: c' } }, 'Header "a" cannot be sent'],
    [{ url: 'http://127.0.0.1' }, '127.0.0.1 is not on the public internet (loopback)'],
  ])('refuses %j', (input, message) => {
    const refusal = refusalOf(httpRequest(), input);
    expect(refusal).toContain(message);
    expect(refusal).not.toContain('secret');
  });
});

describe('policy', () => {
  const refused = { code: 'ADDRESS_REFUSED', retryable: false };

  test.each([
    ['loopback', ['127.0.0.1']],
    ['IPv6 loopback', ['::1']],
    ['mapped loopback', ['::ffff:127.0.0.1']],
    ['private', ['10.0.0.1', 'fd00::1']],
    ['nothing', []],
  ])('refuses a name that resolves to %s', async (_, addresses) => {
    const run = call({ url: 'http://api.example.com/' }, { lookup: resolveTo(...addresses) });
    await expect(run).rejects.toMatchObject(refused);
    for (const address of addresses) await expect(run).rejects.not.toThrow(address);
  });

  test('refuses localhost by the addresses it really has', async () => {
    await expect(call({ url: 'http://localhost/' }, {})).rejects.toMatchObject(refused);
  });

  test('checks the very answer that it connects with', async () => {
    const url = new URL(await listen((_, response) => response.end('private')));
    const lookup = vi.fn(resolveTo('127.0.0.1'));
    lookup.mockImplementationOnce(resolveTo('192.0.0.1'));
    url.hostname = 'rebind.example.com';
    await expect(call({ url: url.href }, { lookup })).rejects.toMatchObject(refused);
    expect(lookup).toHaveBeenCalledTimes(1);
    await expect(call({ url: url.href }, { lookup })).rejects.toMatchObject(refused);
  });

  test('lets a host through that the operator named, and no other', async () => {
    const url = new URL(await listen((_, response) => response.end('inside')));
    url.hostname = 'ci.internal';
    const lookup = resolveTo('127.0.0.1');
    const allowed = call({ url: url.href }, { allowHosts: ['ci.internal'], lookup });
    await expect(allowed).resolves.toMatchObject({ body: 'inside' });
    await expect(call({ url: url.href }, { allowHosts: ['other'], lookup })).rejects.toMatchObject(refused);
  });

  test('is that of the server that took the call, whatever worker runs it', async () => {
    const url = await listen((_, response) => response.end('inside'));
    const stored = httpRequest({ allowPrivate: true }).input.parse({ url });
    const context = { signal: new AbortController().signal, taskRef: 't', progress: () => {}, ...unasked };
    await expect(httpRequest().run(stored, context)).resolves.toMatchObject({ body: 'inside' });
  });

  test('cannot be smuggled in', () => {
    const policy = { allowPrivate: true, allowHosts: ['x'], maxResponseBytes: 1e9 };
    const stored = httpRequest().input.parse({ url: 'http://example.com', policy, allowPrivate: true });
    expect(stored).toMatchObject({ policy: { allowPrivate: false, allowHosts: [] } });
  });
});

describe('redirects', () => {
  test('are followed, and take no secret to another origin', async () => {
    const target = await listen((request, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(request.headers));
    });
    const url = await listen((_, response) => response.writeHead(302, { location: `${target}/there` }).end());
    const { json } = await call({
      url,
      headers: { Authorization: 'Bearer x', 'X-Token': 't', Accept: 'a/b' },
    });
    expect(json).toMatchObject({ accept: 'a/b' });
    expect(json).not.toHaveProperty('authorization');
    expect(json).not.toHaveProperty('x-token');
  });

  test('end after five', async () => {
    let requests = 0;
    const url = await listen((_, response) => {
      requests += 1;
      response.writeHead(302, { location: '/again' }).end();
    });
    await expect(call({ url })).rejects.toMatchObject({ code: 'TOO_MANY_REDIRECTS' });
    expect(requests).toBe(6);
  });

  test.each([
    'http://127.0.0.1:1/',
    'http://[::ffff:127.0.0.1]/',
    'http://2130706433/',
    'ftp://example.com/',
  ])('to %s are refused', async location => {
    const url = new URL(await listen((_, response) => response.writeHead(302, { location }).end()));
    url.hostname = 'ci.internal';
    const options = { allowHosts: ['ci.internal'], lookup: resolveTo('127.0.0.1') };
    await expect(call({ url: url.href }, options)).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
  });
});

describe('failure', () => {
  test.each([
    [404, false],
    [429, true],
    [500, true],
    [503, true],
    [304, false],
  ])('status %s is an HTTP_ERROR, retryable: %s', async (status, retryable) => {
    const url = await listen((_, response) =>
      response.writeHead(status).end(status === 304 ? '' : 'sorry\n about that'),
    );
    const run = call({ url: `${url}/v1?key=secret` });
    const excerpt = status === 304 ? '' : ': sorry about that';
    const message = `GET to ${new URL(url).host} was answered with status ${status}${excerpt}`;
    await expect(run).rejects.toMatchObject({ code: 'HTTP_ERROR', message, retryable });
  });

  test('quotes no more than 300 characters of the body, and does not wait for its end', async () => {
    const url = await listen((_, response) => {
      response.writeHead(500).write('ä'.repeat(2_000));
    });
    const error = await call({ url }).catch(error => error);
    expect(error.message.match(/ä/g)).toHaveLength(300);
  });

  test('of the network has the code of its cause and no secret', async () => {
    const url = await listen(request => request.socket.destroy());
    const input = { url: `${url}/v1?key=secret`, headers: { Authorization: 'Bearer secret' } };
    const error = await call(input).catch(error => error);
    expect(error).toMatchObject({ code: 'REQUEST_FAILED', retryable: true });
    expect(error.message).toBe(`GET to ${new URL(url).host} failed: UND_ERR_SOCKET`);
  });

  test('to connect is named', async () => {
    const url = await listen(() => {});
    servers[0]?.close();
    await expect(call({ url })).rejects.toMatchObject({ message: expect.stringContaining('ECONNREFUSED') });
  });

  test('says that a port is blocked for HTTP', async () => {
    await expect(call({ url: 'http://127.0.0.1:6000/' })).rejects.toMatchObject({
      message: 'GET to 127.0.0.1:6000 failed: bad port',
    });
  });

  test.each<[string, RequestListener]>([
    ['waits for the headers', () => {}],
    ['reads the body', (_, response) => void response.writeHead(200).write('begin')],
  ])('an abort ends it at once while it %s, and hangs up', async (_, listener) => {
    const controller = new AbortController();
    const hungUp = vi.fn();
    const url = await listen((request, response) => {
      request.socket.once('close', hungUp);
      listener(request, response);
      controller.abort(new Error('cancelled'));
    });
    const run = runOperation(httpRequest({ allowPrivate: true }), { url }, { signal: controller.signal });
    await expect(run).rejects.toThrow('cancelled');
    await vi.waitFor(() => expect(hungUp).toHaveBeenCalled());
  });
});
