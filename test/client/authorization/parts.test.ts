import { InvalidClientError, ServerError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { describe, expect, test } from 'vitest';
import { challengeIn, scopeFor } from '../../../src/client/authorization/challenge.js';
import { limitedFetch, NoAnswerError } from '../../../src/client/authorization/limited-fetch.js';
import { problemText, providerView } from '../../../src/client/authorization/provider-view.js';
import { MemoryProvider } from '../../fixtures/client/authorizing-server.js';
import { failureOf } from '../../fixtures/client/await-fixture.js';
import { loopbackServer, unusedOrigin } from '../../fixtures/client/loopback-server.js';

const response = (status: number, challenge?: string) =>
  new Response(null, { status, headers: challenge === undefined ? {} : { 'www-authenticate': challenge } });

describe('a challenge', () => {
  test.each([
    ['401 without a word', response(401), { status: 401, scope: undefined, text: '' }],
    ['401 with a scope', response(401, 'Bearer scope="a b"'), { status: 401, scope: 'a b' }],
    [
      '403 that wants more',
      response(403, 'Bearer error="insufficient_scope", scope="b"'),
      { status: 403, scope: 'b' },
    ],
  ])('is %s', (_what, given, challenge) => {
    expect(challengeIn(given)).toMatchObject(challenge);
  });

  test.each([
    response(200),
    response(403),
    response(403, 'Bearer error="invalid_token"'),
    response(404, 'Bearer x="y"'),
  ])('is no other response: %#', given => {
    expect(challengeIn(given)).toBeUndefined();
  });
});

test.each([
  [401, 'b', ['a'], 'b'],
  [401, undefined, ['a'], undefined],
  [403, 'b', ['a c', undefined], 'a c b'],
  [403, 'b a', ['a', 'b'], 'a b'],
  [403, undefined, ['a'], undefined],
] as const)('after %i, which says %s, with %j before, the scope is %s', (status, scope, before, expected) => {
  expect(scopeFor({ status, scope, text: '', resourceMetadataUrl: undefined }, { before })).toBe(expected);
});

test.each([
  [new InvalidClientError('no client s3cret, s3cret'), 'invalid_client: no client …, …'],
  [new InvalidClientError(''), 'invalid_client'],
  [
    new ServerError('Invalid OAuth error response. Raw body: s3cret'),
    'the authorization server’s answer is no OAuth answer',
  ],
  [new SyntaxError('Unexpected token "s3cr"…'), 'the authorization server’s answer cannot be read'],
  [new Error('Incompatible auth server'), 'Incompatible auth server'],
])('%s is told without what is secret', (error, text) => {
  expect(problemText(error, ['s3cret'])).toBe(text);
});

describe('an application type', () => {
  const typeOf = (redirectUrl: string | undefined, more: object = {}) => {
    const provider = Object.assign(new MemoryProvider(), {
      redirectUrl,
      clientMetadata: { redirect_uris: [], ...more },
    });
    const nothing = () => {};
    const view = providerView(provider, { hidesTokens: false, onDiscovered: nothing, onRedirect: nothing });
    return (view.clientMetadata as { application_type?: string }).application_type;
  };

  test.each([
    ['http://127.0.0.1:8080/callback', 'native'],
    ['http://localhost/callback', 'native'],
    ['http://[::1]:1/callback', 'native'],
    ['my-app://callback', 'native'],
    ['https://agents.example/callback', 'web'],
    [undefined, undefined],
  ])('of a client whose people come back to %s is %s', (url, type) => {
    expect(typeOf(url)).toBe(type);
  });

  test('that the provider gives stays', () => {
    expect(typeOf('http://localhost/', { application_type: 'web' })).toBe('web');
  });
});

describe('a request to an authorization server', () => {
  const troubleOf = async (url: string, init?: RequestInit) => {
    const troubles: NoAnswerError[] = [];
    const failure = await failureOf(
      limitedFetch(trouble => troubles.push(trouble))(url, init) as Promise<unknown>,
    );
    expect(troubles).toEqual([failure]);
    expect(failure).toBeInstanceOf(NoAnswerError);
    return failure.message;
  };

  test('that nobody answers is trouble', async () => {
    expect(await troubleOf(await unusedOrigin())).toMatch(/could not be reached/);
  });

  test.each([
    [429, 'GET'],
    [503, 'GET'],
    [500, 'POST'],
  ])('that is answered HTTP %i to %s is trouble', async (status, method) => {
    const origin = await loopbackServer((_request, answer) => answer.writeHead(status).end());
    expect(await troubleOf(origin, { method })).toContain(`answered HTTP ${status}`);
  });

  test.each([
    [404, 'GET'],
    [500, 'GET'],
    [400, 'POST'],
    [204, 'GET'],
  ])('that is answered HTTP %i to %s is answered', async (status, method) => {
    const origin = await loopbackServer((_request, answer) => answer.writeHead(status, { x: 'y' }).end());
    const answer = await limitedFetch(() => expect.unreachable())(origin, { method });
    expect([answer.status, answer.headers.get('x')]).toEqual([status, 'y']);
  });

  test('is read no further than such an answer needs', async () => {
    const origin = await loopbackServer((_request, answer) => {
      const more = () => {
        while (!answer.destroyed && answer.write(Buffer.alloc(65536)));
      };
      answer.on('drain', more);
      more();
    });
    expect(await troubleOf(origin)).toMatch(/longer than 1048576 bytes/);
  });
});
