import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect, test } from 'vitest';
import { contactAfter, type LostContact } from '../../../src/client/connection/contact.js';

const http = (status: number, text = '') => new StreamableHTTPError(status, text);

test.each<[string, unknown, LostContact, LostContact]>([
  ['HTTP 404', http(404), 'gone', 'kept'],
  ['the 400 of the SDK’s own server', http(400, 'Bad Request: No valid session ID provided'), 'gone', 'kept'],
  [
    'the 400 of a server that was restarted',
    http(400, 'Bad Request: Server not initialized'),
    'gone',
    'kept',
  ],
  ['another 400', http(400, 'Parse error'), 'kept', 'kept'],
  ['HTTP 401', http(401), 'kept', 'kept'],
  ['HTTP 429', http(429), 'kept', 'kept'],
  ['HTTP 500', http(500), 'kept', 'kept'],
  ['HTTP 502', http(502), 'lost', 'lost'],
  ['HTTP 503', http(503), 'lost', 'lost'],
  ['HTTP 504', http(504), 'lost', 'lost'],
  ['a network error', new TypeError('fetch failed'), 'lost', 'lost'],
  ['a body that is no JSON', new SyntaxError('Unexpected token'), 'kept', 'kept'],
])('%s in a session, and without one', (_what, error, inSession, without) => {
  expect(contactAfter(error, 'session-1')).toBe(inSession);
  expect(contactAfter(error, undefined)).toBe(without);
});
