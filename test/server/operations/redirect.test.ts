import { describe, expect, test } from 'vitest';
import { type OutgoingRequest, redirected, redirectTarget } from '../../../src/server/operations/redirect.js';

const HERE = new URL('https://api.example.com/v1/items?key=1');
const ELSEWHERE = new URL('https://other.example.com/');

const request: OutgoingRequest = {
  url: HERE,
  method: 'POST',
  headers: {
    Authorization: 'Bearer x',
    Cookie: 'a=b',
    'X-Api-Key': 'k',
    Accept: '*/*',
    'Content-Type': 'text/plain',
  },
  body: 'hello',
};

describe('redirectTarget', () => {
  test.each([
    [302, '/v2', 'https://api.example.com/v2'],
    [301, 'next', 'https://api.example.com/v1/next'],
    [308, 'http://127.0.0.1/', 'http://127.0.0.1/'],
    [303, '//other.example.com/x', 'https://other.example.com/x'],
  ])('of %s with the location %s is %s', (status, location, expected) => {
    expect(redirectTarget(status, location, HERE)?.href).toBe(expected);
  });

  test.each([
    [302, null],
    [302, 'http://'],
    [304, '/v2'],
    [300, '/v2'],
    [200, '/v2'],
  ])('of %s with the location %s is none', (status, location) => {
    expect(redirectTarget(status, location, HERE)).toBeUndefined();
  });
});

describe('redirected', () => {
  test.each([
    ['POST', 301, 'GET'],
    ['POST', 302, 'GET'],
    ['POST', 303, 'GET'],
    ['POST', 307, 'POST'],
    ['POST', 308, 'POST'],
    ['PUT', 302, 'PUT'],
    ['PUT', 303, 'GET'],
    ['HEAD', 303, 'HEAD'],
  ])('%s answered with %s becomes %s', (method, status, expected) => {
    const next = redirected({ ...request, method }, status, HERE);
    expect(next.method).toBe(expected);
    expect(next.body).toBe(expected === 'GET' ? undefined : 'hello');
    expect('Content-Type' in next.headers).toBe(expected !== 'GET');
  });

  test('keeps all headers on the same origin', () => {
    expect(redirected(request, 307, new URL('/v2', HERE)).headers).toEqual(request.headers);
  });

  test.each([ELSEWHERE, new URL('http://api.example.com/'), new URL('https://api.example.com:8443/')])(
    'takes no secret along to %s',
    url => {
      expect(redirected(request, 307, url).headers).toEqual({ Accept: '*/*', 'Content-Type': 'text/plain' });
    },
  );
});
