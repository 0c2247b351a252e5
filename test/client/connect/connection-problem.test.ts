import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import { connectionProblem } from '../../../src/client/connect/connect-failure.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { KEY, OF_UNKNOWN_AUTHORITY, SELF_SIGNED } from '../../fixtures/client/certificates.js';
import { loopbackServer } from '../../fixtures/client/loopback-server.js';

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function tlsServer(cert: string): Promise<string> {
  const server = createTlsServer({ key: KEY, cert }, (_request, response) => response.end());
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}

describe('a certificate', () => {
  test.each([
    ['that is self-signed', SELF_SIGNED, /is self-signed.*NODE_EXTRA_CA_CERTS/],
    [
      'of an unknown authority',
      OF_UNKNOWN_AUTHORITY,
      /authority that Node.js does not know.*NODE_EXTRA_CA_CERTS/,
    ],
  ])('%s says what to do', async (_what, cert, expected) => {
    const error = await failureOf(AwaitClient.connect(`${await tlsServer(cert)}/mcp`));
    expect(error).toMatchObject({ code: 'SERVER_UNAVAILABLE', message: expect.stringMatching(expected) });
  });

  test.each([
    ['CERT_HAS_EXPIRED', /out of date.*renewed/],
    ['CERT_NOT_YET_VALID', /out of date.*clock/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /for another host.*use a name/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /authority that Node.js does not know/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /authority that Node.js does not know/],
    ['EPROTO', /write http:\/\//],
    ['ERR_SSL_PACKET_LENGTH_TOO_LONG', /write http:\/\//],
  ])('that is refused with %s says what to do', (code, expected) => {
    const cause = Object.assign(new Error('certificate'), { code });
    const url = new URL('https://a/mcp');
    const error = new TypeError('fetch failed', { cause });
    expect(connectionProblem(error, { url, where: 'https://a/mcp', proxy: undefined })).toMatch(expected);
  });
});

test('https:// to a server of plain HTTP says to write http://', async () => {
  const origin = await loopbackServer((_request, response) => response.end());
  const error = await failureOf(AwaitClient.connect(`${origin.replace('http:', 'https:')}/mcp`));
  expect(error.message).toMatch(/if the server speaks plain HTTP, write http:\/\/ instead of https:\/\//);
});

test('http:// to a server of HTTPS says to write https://', async () => {
  const origin = await tlsServer(SELF_SIGNED);
  const error = await failureOf(AwaitClient.connect(`${origin.replace('https:', 'http:')}/mcp`));
  expect(error.message).toMatch(/if it speaks HTTPS, write https:\/\/ instead of http:\/\//);
});

test('a proxy’s sentence about HTTPS with HTTP 400 is understood as well', async () => {
  const page = 'The plain HTTP request was sent to HTTPS port';
  const origin = await loopbackServer((_request, response) => response.writeHead(400).end(page));
  const error = await failureOf(AwaitClient.connect(`${origin}/mcp`));
  expect(error.message).toMatch(/write https:\/\//);
});
