import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { AccessTokens, type AuthorizationOptions } from '../../../src/server/http/access-tokens.js';
import { loopbackServer, unusedOrigin } from '../../fixtures/client/loopback-server.js';

const AUDIENCE = 'https://mcp.example.com/mcp';
const METADATA = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp';

let pair: Awaited<ReturnType<typeof generateKeyPair>>;
let other: Awaited<ReturnType<typeof generateKeyPair>>;
beforeAll(async () => {
  [pair, other] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
});

interface Issuer {
  readonly issuer: string;
  /** Paths that were asked for. */
  readonly asked: string[];
}

async function issuer(change: (metadata: Record<string, unknown>) => object = same => same): Promise<Issuer> {
  const asked: string[] = [];
  const origin = await loopbackServer(async (request, response) => {
    asked.push(request.url ?? '');
    const answers: Readonly<Record<string, unknown>> = {
      '/.well-known/openid-configuration': change({ issuer: origin, jwks_uri: `${origin}/keys` }),
      '/keys': { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256' }] },
    };
    const answer = answers[request.url ?? ''];
    response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer));
  });
  return { issuer: origin, asked };
}

function checker(options: Partial<AuthorizationOptions> & { issuer: string }) {
  const errors: unknown[] = [];
  const all = { audience: AUDIENCE, scopes: ['tasks'], ...options };
  const tokens = new AccessTokens(
    all,
    () => 'http://127.0.0.1:3000/mcp',
    error => errors.push(error),
  );
  return { tokens, errors };
}

interface Claims {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly audience?: string;
  readonly expires?: string;
  readonly key?: typeof pair.privateKey;
}

async function bearer(iss: string, { claims, audience = AUDIENCE, expires = '5m', key }: Claims = {}) {
  const payload = { iss, sub: 'alice', scope: 'tasks other', ...claims };
  const jwt = new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: 'one' }).setAudience(audience);
  return `Bearer ${await jwt.setExpirationTime(expires).sign(key ?? pair.privateKey)}`;
}

const unsigned = (payload: object) =>
  `Bearer ${[{ alg: 'none' }, payload].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.x`;

describe('an access token', () => {
  test('of the issuer makes its subject the principal, always the same', async () => {
    const { issuer: iss, asked } = await issuer();
    const { tokens } = checker({ issuer: iss });
    const principal = await tokens.check(await bearer(iss));
    expect(principal).toMatch(/^subject-[0-9a-f]{32}$/);
    expect(await tokens.check(await bearer(iss, { claims: { jti: 'another' } }))).toBe(principal);
    expect(await tokens.check(await bearer(iss, { claims: { sub: 'bob' } }))).not.toBe(principal);
    expect(await tokens.check(await bearer(iss, { claims: { scope: undefined, scp: ['tasks'] } }))).toBe(
      principal,
    );
    expect(asked.filter(path => path === '/keys')).toHaveLength(1);
  });

  test.each<[string, Claims, string, string]>([
    [
      'of another audience',
      { audience: 'https://other.example.com' },
      'invalid_token',
      'not for this server (aud)',
    ],
    [
      'of another issuer',
      { claims: { iss: 'https://other.example.com' } },
      'invalid_token',
      'not for this server (iss)',
    ],
    ['without a subject', { claims: { sub: undefined } }, 'invalid_token', 'not for this server (sub)'],
    ['that has expired', { expires: '-5m' }, 'invalid_token', 'has expired'],
    [
      'that is not valid yet',
      { claims: { nbf: Math.floor(Date.now() / 1000) + 3600 } },
      'invalid_token',
      'nbf',
    ],
    ['that is bound to a key', { claims: { cnf: { jkt: 'x' } } }, 'invalid_token', 'bound to a key'],
    [
      'without the scope',
      { claims: { scope: 'other taskss' } },
      'insufficient_scope',
      'lacks the scope tasks',
    ],
  ])('%s is refused', async (_what, claims, error, message) => {
    const { issuer: iss } = await issuer();
    const { tokens } = checker({ issuer: iss });
    const refusal = await tokens.check(await bearer(iss, claims));
    expect(refusal).toMatchObject({
      status: error === 'insufficient_scope' ? 403 : 401,
      message: expect.stringContaining(message),
      headers: {
        'www-authenticate': expect.stringMatching(
          new RegExp(`^Bearer error="${error}", .*scope="tasks", resource_metadata="${METADATA}"$`),
        ),
      },
    });
  });

  test('that nobody with the key of the issuer has signed is refused', async () => {
    const { issuer: iss } = await issuer();
    const { tokens, errors } = checker({ issuer: iss });
    const secret = await new SignJWT({ iss, sub: 'alice', scope: 'tasks' })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .setAudience(AUDIENCE)
      .setExpirationTime('5m')
      .sign(new TextEncoder().encode(JSON.stringify(await exportJWK(pair.publicKey))));
    const forged = [
      await bearer(iss, { key: other.privateKey }),
      unsigned({ iss, sub: 'alice', aud: AUDIENCE, exp: 9_999_999_999, scope: 'tasks' }),
      `Bearer ${secret}`,
      'Bearer opaque',
      'Basic YTpi',
    ];
    for (const header of forged) expect(await tokens.check(header)).toMatchObject({ status: 401 });
    expect(errors).toEqual([]);
  });

  test('cannot be checked while the issuer is away, which is no reason to sign in again', async () => {
    const iss = await unusedOrigin();
    const { tokens, errors } = checker({ issuer: iss });
    for (const _ of [1, 2])
      expect(await tokens.check(await bearer(iss))).toMatchObject({
        status: 503,
        headers: { 'retry-after': '5' },
      });
    expect(String(errors[0])).toContain('cannot be fetched');
  });

  test.each<[string, (metadata: Record<string, unknown>) => object, RegExp]>([
    [
      'calls itself by another name',
      same => ({ ...same, issuer: 'https://other.example.com' }),
      /another name/,
    ],
    ['has its keys in the open', same => ({ ...same, jwks_uri: 'http://keys.example.com/' }), /over https/],
    [
      'has its keys in a private network',
      same => ({ ...same, jwks_uri: 'https://10.0.0.1/' }),
      /not public \(private\)/,
    ],
    ['answers without end', () => ({ issuer: 'x'.repeat(300_000) }), /longer than 262144 bytes/],
  ])('of an issuer that %s is not checked', async (_what, change, message) => {
    const { issuer: iss } = await issuer(change);
    const { tokens, errors } = checker({ issuer: iss });
    expect(await tokens.check(await bearer(iss))).toMatchObject({ status: 503 });
    expect(String(errors[0])).toMatch(message);
  });
});

test('whoever sends no token is told where to get one', async () => {
  const { tokens } = checker({ issuer: 'https://login.example.com' });
  expect(await tokens.check(undefined)).toMatchObject({
    status: 401,
    headers: { 'www-authenticate': `Bearer scope="tasks", resource_metadata="${METADATA}"` },
  });
});

test.each([
  [
    'https://mcp.example.com/a/mcp',
    'https://mcp.example.com/a/mcp',
    '/.well-known/oauth-protected-resource/a/mcp',
  ],
  ['api://tasks', 'http://127.0.0.1:3000/mcp', '/.well-known/oauth-protected-resource'],
])('the metadata of the audience %s are those of %s', (audience, resource, path) => {
  const { tokens } = checker({ issuer: 'https://login.example.com', audience });
  expect(tokens.metadataAt(path)).toMatchObject({
    resource,
    authorization_servers: ['https://login.example.com'],
    scopes_supported: ['tasks'],
  });
  expect(tokens.metadataAt('/mcp')).toBeUndefined();
  expect(tokens.metadataAt('/.well-known/oauth-protected-resource/other')).toBeUndefined();
});

test.each<[Partial<AuthorizationOptions> & { issuer: string }, RegExp]>([
  [{ issuer: 'http://login.example.com' }, /https URL/],
  [{ issuer: 'login.example.com' }, /https URL/],
  [{ issuer: 'https://10.1.2.3' }, /not public \(private\): allow it with --auth-allow-private/],
  [{ issuer: 'https://login.example.com', audience: ' ' }, /needs an audience/],
  [{ issuer: 'https://login.example.com', scopes: ['a b'] }, /one word/],
  [{ issuer: 'https://login.example.com', scopes: ['a"'] }, /one word/],
  [{ issuer: 'https://login.example.com', publicUrl: 'mcp' }, /public URL/],
])('options %j are refused', (options, message) => {
  expect(() => checker(options)).toThrow(message);
});

test('an issuer in a private network may be allowed', () => {
  expect(() => checker({ issuer: 'https://10.1.2.3', allowPrivate: true })).not.toThrow();
});
