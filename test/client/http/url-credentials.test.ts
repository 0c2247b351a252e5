import { describe, expect, test } from 'vitest';
import { AwaitClient } from '../../../src/client/await-client.js';
import type { AwaitEvent } from '../../../src/client/events.js';
import { ConfigurationError } from '../../../src/errors.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { httpMcp, usual } from '../../fixtures/client/http-mcp.js';
import { loopbackServer } from '../../fixtures/client/loopback-server.js';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('user and password in the URL of a server', () => {
  test.each([
    ['bob:s3cret', 'bob:s3cret'],
    ['bob', 'bob:'],
    [':s3cret', ':s3cret'],
    ['b%40b:s3%3Acret', 'b@b:s3:cret'],
    ['bob:100%', 'bob:100%'],
    ['w%C3%B6rd:s', 'wörd:s'],
  ])('%s go as a header', async (written, expected) => {
    const { url, seen } = await httpMcp();
    const client = await AwaitClient.connect(url.replace('//', `//${written}@`));
    await client.callTool({ name: 'a' });
    await client.close();
    expect(new Set(seen.map(({ headers }) => headers.authorization))).toEqual(new Set([basic(expected)]));
  });

  test('give way to a header that is given', async () => {
    const { url, seen } = await httpMcp();
    const headers = { AUTHORIZATION: 'Bearer token' };
    const client = await AwaitClient.connect({ url: url.replace('//', '//bob:s3cret@'), headers });
    await client.close();
    expect(new Set(seen.map(each => each.headers.authorization))).toEqual(new Set(['Bearer token']));
  });

  test('do not go with an `authProvider`', async () => {
    const authProvider = { tokens: () => undefined } as never;
    const error = await failureOf(
      AwaitClient.connect({ url: 'http://bob:s3cret@127.0.0.1:9/', authProvider }),
    );
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).not.toContain('s3cret');
  });

  test.each(['bob:s3cret@host/mcp', 'http://bob:s3cret@host:99999/mcp', 'ftp://bob:s3cret@host/'])(
    'are not told where the URL cannot be used (%s)',
    async url => {
      const error = await failureOf(AwaitClient.connect({ url }));
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(error.message).not.toContain('s3cret');
    },
  );

  test('are in no error and in no event', async () => {
    let isDown = false;
    const { url } = await httpMcp((message, request, response) => {
      if (!isDown) return usual(message);
      // A server that repeats what it was sent.
      response.writeHead(500).end(`no: ${request.url} ${request.headers.authorization}`);
      return undefined;
    });
    const events: AwaitEvent[] = [];
    const target = `${url.replace('//', '//bob:s3cret-pw@')}?token=s3cret-token`;
    const client = await AwaitClient.connect(target, { onEvent: event => events.push(event) });
    isDown = true;
    const error = await failureOf(client.callTool({ name: 'a' }, undefined, { requestRetries: 1 }));
    await client.close();
    const told = [error, ...events].map(each => toldBy(each)).join('\n');
    expect(told).toContain('no: /mcp');
    expect(told).not.toMatch(/s3cret|Ym9i/);
  });

  test('are not sent on by a redirect, nor told', async () => {
    const leaked: unknown[] = [];
    const other = await loopbackServer((request, response) => {
      leaked.push(request.headers);
      response.end();
    });
    const location = `${other.replace('//', '//eve:s3cret-eve@')}/?token=s3cret-token`;
    const { url } = await httpMcp((_message, _request, response) => {
      response.writeHead(307, { location }).end();
      return undefined;
    });
    const error = await failureOf(AwaitClient.connect(url.replace('//', '//bob:s3cret-pw@')));
    expect(leaked).toEqual([]);
    expect(toldBy(error)).not.toMatch(/s3cret/);
  });
});

/** All that an error or an event tells. */
function toldBy(value: unknown): string {
  const parts: string[] = [];
  const seen = new Set<unknown>();
  const walk = (each: unknown) => {
    if (typeof each === 'string') parts.push(each);
    if (typeof each !== 'object' || each === null || seen.has(each)) return;
    seen.add(each);
    for (const key of Object.getOwnPropertyNames(each)) walk((each as Record<string, unknown>)[key]);
  };
  walk(value);
  return parts.join('\n');
}
