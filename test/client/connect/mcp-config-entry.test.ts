import { describe, expect, test } from 'vitest';
import { oauthOf } from '../../../src/client/connect/mcp-config-entry.js';

describe('what an entry says of signing in', () => {
  const environment = { SECRET: 's3cret' };
  const read = (entry: object) => oauthOf({ url: 'https://x.example', ...entry }, environment, 'server `x`');

  test.each<[string, object, object]>([
    ['nothing', {}, {}],
    ['that it is wanted', { oauth: true }, {}],
    [
      'Claude Code',
      { oauth: { clientId: 'c', callbackPort: 8088, scopes: 'a b' } },
      { clientId: 'c', scope: 'a b', redirectUrl: 'http://localhost:8088/callback' },
    ],
    [
      'Gemini CLI',
      {
        oauth: {
          enabled: true,
          clientId: 'c',
          clientSecret: `\${SECRET}`,
          scopes: ['a', 'b'],
          redirectUri: 'http://localhost:7777/x',
        },
      },
      { clientId: 'c', clientSecret: 's3cret', scope: 'a b', redirectUrl: 'http://localhost:7777/x' },
    ],
    [
      'Cursor',
      { auth: { CLIENT_ID: 'c', CLIENT_SECRET: `\${env:SECRET}`, scopes: ['a'] } },
      { clientId: 'c', clientSecret: 's3cret', scope: 'a' },
    ],
  ])('by %s is read', (_host, entry, expected) => {
    expect(read(entry)).toEqual(expected);
  });

  test('is refused where it makes no sense', () => {
    expect(() => read({ oauth: { callbackPort: 'any' } })).toThrow(
      /server `x` says in `oauth\.callbackPort`/,
    );
    expect(() => read({ oauth: { clientSecret: `\${MISSING}` } })).toThrow(/MISSING/);
  });
});
