import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { limitedFetch } from '../../../src/client/authorization/limited-fetch.js';
import { AwaitClient } from '../../../src/client/await-client.js';
import { describeProxy, proxyFor } from '../../../src/client/http/proxy.js';
import { ConfigurationError } from '../../../src/errors.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { httpMcp } from '../../fixtures/client/http-mcp.js';
import { unusedOrigin } from '../../fixtures/client/loopback-server.js';

const closers: (() => void)[] = [];

afterEach(() => {
  vi.unstubAllEnvs();
  for (const close of closers.splice(0)) close();
});

describe('the proxy for a URL', () => {
  const HTTP = 'http://a.example.com/mcp';
  test.each<[string, Record<string, string>, string | undefined]>([
    [HTTP, {}, undefined],
    [HTTP, { http_proxy: '' }, undefined],
    [HTTP, { HTTP_PROXY: 'http://p:1' }, 'the proxy http://p:1 (`HTTP_PROXY`)'],
    [HTTP, { HTTP_PROXY: 'http://p:1', http_proxy: 'http://q:2' }, 'the proxy http://q:2 (`http_proxy`)'],
    [HTTP, { HTTPS_PROXY: 'http://p:1' }, undefined],
    ['https://a/', { HTTPS_PROXY: 'http://p:1' }, 'the proxy http://p:1 (`HTTPS_PROXY`)'],
    ['https://a/', { HTTP_PROXY: 'http://p:1' }, undefined],
    ['https://a/', { ALL_PROXY: 'socks5h://p:1' }, 'the proxy socks5://p:1 (`ALL_PROXY`)'],
    [HTTP, { ALL_PROXY: 'http://p:1', HTTP_PROXY: 'http://q:2' }, 'the proxy http://q:2 (`HTTP_PROXY`)'],
    [HTTP, { HTTP_PROXY: 'p:3128' }, 'the proxy http://p:3128 (`HTTP_PROXY`)'],
    [HTTP, { HTTP_PROXY: 'http://bob:s3cret@p:1' }, 'the proxy http://p:1 (`HTTP_PROXY`)'],
    ['http://127.0.0.1:8/', { HTTP_PROXY: 'http://p:1' }, 'the proxy http://p:1 (`HTTP_PROXY`)'],
  ])('%s with %j is %s', (url, environment, expected) => {
    const proxy = proxyFor(new URL(url), environment);
    expect(proxy && describeProxy(proxy)).toBe(expected);
  });

  test.each<[string, string, boolean]>([
    ['http://a.example.com/', '*', true],
    ['http://a.example.com/', 'x, *', true],
    ['http://a.example.com/', 'a.example.com', true],
    ['http://a.example.com/', 'A.Example.COM', true],
    ['http://a.example.com/', 'example.com', true],
    ['http://a.example.com/', '.example.com', true],
    ['http://a.example.com/', '*.example.com', true],
    ['http://a.example.com./', 'example.com', true],
    ['http://example.com/', '.example.com', true],
    ['http://badexample.com/', 'example.com', false],
    ['http://a.example.com/', 'x.com y.com,a.example.com', true],
    ['http://a.example.com/', 'a.example.com:80', true],
    ['http://a.example.com/', 'a.example.com:8080', false],
    ['http://a.example.com:8080/', 'a.example.com:8080', true],
    ['http://127.0.0.1:3000/', '127.0.0.1', true],
    ['http://127.0.0.1:3000/', '127.0.0.0/8', true],
    ['http://128.0.0.1:3000/', '127.0.0.0/8', false],
    ['http://10.1.2.3/', '10.0.0.0/8,192.168.0.0/16', true],
    ['http://10.1.2.3/', '2.3', false],
    ['http://[::1]:3000/', '::1', true],
    ['http://[::1]:3000/', '[::1]', true],
    ['http://[::1]:3000/', '[::1]:3000', true],
    ['http://[::1]:3000/', '[::1]:3001', false],
    ['http://[fe80::1]/', 'fe80::/10', true],
    ['http://a.example.com/', '10.0.0.0/99, /, :, a/8', false],
  ])('%s is left out by NO_PROXY=%s: %s', (url, list, isLeftOut) => {
    const proxy = proxyFor(new URL(url), { HTTP_PROXY: 'http://p:1', NO_PROXY: list });
    expect(proxy === undefined).toBe(isLeftOut);
  });

  test.each(['ftp://bob:s3cret@p:1', 'http://bob:s3cret@', 'http://bob:s3cret@p:99999'])(
    'that cannot be used (%s) is told without what may be secret',
    async value => {
      vi.stubEnv('HTTP_PROXY', value);
      const error = await failureOf(AwaitClient.connect('http://mcp.invalid/mcp'));
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(error.message).toContain('`HTTP_PROXY`');
      expect(error.message).not.toContain('s3cret');
    },
  );
});

/** A proxy that takes every host for the given port of loopback. */
async function proxyTo(target: string, isAllowed = (_authorization: string | undefined) => true) {
  const asked: string[] = [];
  const { port } = new URL(target);
  const proxy = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (!isAllowed(request.headers['proxy-authorization'])) return response.writeHead(407).end('who?');
    const { method, headers, url = '' } = request;
    const onward = httpRequest({ port, path: new URL(url).pathname, method, headers }, answer => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    return request.pipe(onward);
  });
  proxy.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    if (!isAllowed(request.headers['proxy-authorization']))
      return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const onward = connect(Number(port), '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    for (const each of [onward, socket]) each.on('error', () => each.destroy());
    return onward.pipe(socket).pipe(onward);
  });
  await new Promise<void>(done => proxy.listen(0, '127.0.0.1', done));
  closers.push(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { host: `127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked };
}

describe('a server behind a proxy', () => {
  test('is spoken to in whole URLs, and no tunnel is asked for', async () => {
    const { url } = await httpMcp();
    const { host, asked } = await proxyTo(url);
    vi.stubEnv('HTTP_PROXY', `http://${host}`);
    const client = await AwaitClient.connect('http://mcp.invalid/mcp');
    await expect(client.callTool({ name: 'a' })).resolves.toMatchObject({ content: [{ text: 'hi' }] });
    await client.close();
    expect(new Set(asked)).toEqual(new Set(['POST http://mcp.invalid/mcp', 'GET http://mcp.invalid/mcp']));
  });

  test('is spoken to without the proxy where NO_PROXY says so', async () => {
    const { url } = await httpMcp();
    const { host, asked } = await proxyTo(url);
    vi.stubEnv('HTTP_PROXY', `http://${host}`);
    vi.stubEnv('NO_PROXY', '127.0.0.0/8');
    const client = await AwaitClient.connect(url);
    await client.close();
    expect(asked).toEqual([]);
  });

  test('that wants a user and a password gets those of its URL', async () => {
    const { url } = await httpMcp();
    const expected = `Basic ${Buffer.from('bob:p@ss wörd').toString('base64')}`;
    const { host } = await proxyTo(url, given => given === expected);
    vi.stubEnv('HTTP_PROXY', `http://bob:p%40ss%20w%C3%B6rd@${host}`);
    const client = await AwaitClient.connect('http://mcp.invalid/mcp');
    await client.close();
  });

  test.each(['http', 'https'])('whose user is refused says so, and tells no password (%s)', async scheme => {
    const { url } = await httpMcp();
    const { host } = await proxyTo(url, () => false);
    vi.stubEnv(`${scheme.toUpperCase()}_PROXY`, `http://bob:s3cret@${host}`);
    const error = await failureOf(AwaitClient.connect(`${scheme}://mcp.invalid/mcp`));
    expect(error.message).toMatch(/^The proxy wants a user and a password/);
    expect(error.message).toContain(`the proxy http://${host} (\`${scheme.toUpperCase()}_PROXY\`)`);
    expect(JSON.stringify([error.message, (error.cause as Error).message])).not.toContain('s3cret');
  });

  test('that is not there is told as the proxy that is not there', async () => {
    const origin = await unusedOrigin();
    vi.stubEnv('HTTP_PROXY', origin.replace('//', '//bob:s3cret@'));
    const error = await failureOf(AwaitClient.connect('http://mcp.invalid/mcp'));
    expect(error.message).toBe(
      `Nothing listens at the proxy ${origin} (\`HTTP_PROXY\`); start it, or check host and port. It was asked through the proxy ${origin} (\`HTTP_PROXY\`); name mcp.invalid in NO_PROXY to go without.`,
    );
  });

  test('is how an authorization server is reached, too', async () => {
    const { url } = await httpMcp();
    const { host, asked } = await proxyTo(url);
    vi.stubEnv('HTTP_PROXY', `http://${host}`);
    await limitedFetch(() => {})('http://auth.invalid/.well-known/x', { method: 'GET' });
    expect(asked).toEqual(['GET http://auth.invalid/.well-known/x']);
  });
});
