import type { OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import { describe, expect, test } from 'vitest';
import {
  checkAnswer,
  checkIssuer,
  checkServers,
  codeIn,
  type Redirect,
} from '../../../src/client/authorization/redirect-answer.js';

const ISSUER = 'https://login.example';
const metadata = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/authorize`,
  token_endpoint: `${ISSUER}/token`,
  response_types_supported: ['code'],
};
const server = (more: object = {}): OAuthDiscoveryState => ({
  authorizationServerUrl: ISSUER,
  resourceMetadata: { resource: 'https://mcp.example/mcp' },
  authorizationServerMetadata: { ...metadata, ...more },
});
const redirect = (more: object = {}): Redirect => ({
  url: new URL(`${ISSUER}/authorize?state=mine`),
  server: server(more),
});
const answer = (parameters: Record<string, string>) =>
  new URL(`http://127.0.0.1/callback?${new URLSearchParams({ state: 'mine', ...parameters })}`);
const codeFor = (url: URL, sent: Redirect) => {
  checkAnswer(url, sent);
  return codeIn(url);
};
const TELLS = { authorization_response_iss_parameter_supported: true };

describe('the answer to a redirect', () => {
  test.each([
    ['of a server that does not tell who it is', {}, { code: 'a' }],
    ['of a server that tells it', TELLS, { code: 'a', iss: ISSUER }],
    ['of a server that tells it without having said so', {}, { code: 'a', iss: ISSUER }],
  ])('%s gives the code', (_which, more, parameters) => {
    expect(codeFor(answer(parameters), redirect(more))).toBe('a');
  });

  test.each([
    ['has another state', {}, { code: 'a', state: 'theirs' }, /not to this request/],
    ['has no state', {}, { code: 'a', state: '' }, /not to this request/],
    ['does not tell who it is from', TELLS, { code: 'a' }, /`iss` is missing/],
    ['is from somebody else', TELLS, { code: 'a', iss: 'https://evil.example' }, /`iss` is another one/],
    [
      'is from somebody else, unasked',
      {},
      { code: 'a', iss: 'https://evil.example' },
      /`iss` is another one/,
    ],
    ['is almost from the server', TELLS, { code: 'a', iss: `${ISSUER}/` }, /`iss` is another one/],
    ['has an error of somebody else', TELLS, { error: 'click here', iss: 'https://evil.example' }, /`iss`/],
    [
      'has an error',
      {},
      { error: 'access_denied', error_description: 'Not you' },
      /^access_denied: Not you$/,
    ],
    ['has no code', {}, {}, /has no `code`/],
    ['has an empty code', {}, { code: '' }, /has no `code`/],
  ])('that %s is refused', (_which, more, parameters, message) => {
    expect(() => codeFor(answer(parameters), redirect(more))).toThrow(message);
  });
});

describe('metadata of an authorization server', () => {
  test.each([
    ['its own name', server()],
    ['its own name and a slash', server({ issuer: `${ISSUER}/` })],
    ['nothing yet', { ...server(), authorizationServerMetadata: undefined }],
    [
      'another name, where no resource server has named it',
      { ...server({ issuer: 'https://a' }), resourceMetadata: undefined },
    ],
  ])('with %s are used', (_what, state) => {
    expect(() => checkIssuer(state as OAuthDiscoveryState)).not.toThrow();
  });

  test.each(['https://evil.example', `${ISSUER}.evil.example`, `${ISSUER}/tenant`])(
    'with the name %s are refused',
    issuer => {
      expect(() => checkIssuer(server({ issuer }))).toThrow(`${ISSUER} says that it is ${issuer}`);
    },
  );
});

describe('an authorization server that a server names', () => {
  const state = (text: string) => ({ authorizationServerUrl: text });

  test.each([
    ['https://mcp.example.com/mcp', 'https://login.example.com'],
    ['http://127.0.0.1:3000/mcp', 'http://localhost:4000'],
    ['http://10.1.2.3/mcp', 'https://10.9.9.9'],
  ])('of %s is used at %s', (server, named) => {
    expect(() => checkServers(new URL(server), state(named))).not.toThrow();
  });

  test.each([
    ['https://mcp.example.com/mcp', 'http://login.example.com', /not spoken to over https/],
    ['https://mcp.example.com/mcp', 'file:///bin/sh', /not spoken to over https/],
    ['https://mcp.example.com/mcp', 'http://127.0.0.1:4000', /loopback/],
    ['https://mcp.example.com/mcp', 'https://[::1]', /loopback/],
    ['https://mcp.example.com/mcp', 'https://169.254.169.254', /linkLocal/],
    ['https://mcp.example.com/mcp', 'https://192.168.0.1', /private/],
    ['https://mcp.example.com/mcp', 'nowhere', /an address that is none/],
  ])('of %s is refused at %s', (server, named, message) => {
    expect(() => checkServers(new URL(server), state(named))).toThrow(message);
  });

  test('is refused for one of its endpoints, too', () => {
    const authorizationServerMetadata = {
      issuer: 'https://login.example.com',
      authorization_endpoint: 'https://login.example.com/authorize',
      token_endpoint: 'http://login.example.com/token',
      response_types_supported: ['code'],
    };
    const found = { ...state('https://login.example.com'), authorizationServerMetadata };
    expect(() => checkServers(new URL('https://mcp.example.com'), found)).toThrow(/not spoken to over https/);
  });
});
