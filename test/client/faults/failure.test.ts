import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  classifyFailure,
  type Failure,
  isTransient,
  mayStartAgain,
  messageOf,
  systemCode,
} from '../../../src/client/faults/failure.js';
import { NotSupportedError, StatusCheckError, TaskNotFoundError } from '../../../src/errors.js';

const withCode = (code: string) => Object.assign(new Error(code), { code });
const fetchFailed = (cause: Error) => new TypeError('fetch failed', { cause });

test.each<[string, unknown, Failure, boolean]>([
  ['a refused connection', fetchFailed(withCode('ECONNREFUSED')), 'unsent', true],
  [
    'a refused connection on each address',
    fetchFailed(new AggregateError([withCode('ECONNREFUSED')])),
    'unsent',
    true,
  ],
  ['an unknown host', fetchFailed(withCode('ENOTFOUND')), 'unsent', true],
  ['a connection that was reset', fetchFailed(withCode('ECONNRESET')), 'lost', true],
  ['a fetch that failed for no reason', new TypeError('fetch failed'), 'lost', true],
  ['HTTP 503', new StreamableHTTPError(503, 'busy'), 'lost', true],
  ['HTTP 500', new StreamableHTTPError(500, 'oops'), 'lost', true],
  ['HTTP 429', new StreamableHTTPError(429, 'slow down'), 'unsent', true],
  ['HTTP 408', new StreamableHTTPError(408, 'too slow'), 'lost', true],
  ['HTTP 404', new StreamableHTTPError(404, 'no session'), 'answered', false],
  ['HTTP 401', new StreamableHTTPError(401, 'who'), 'answered', false],
  ['an HTML page', new StreamableHTTPError(-1, 'Unexpected content type: text/html'), 'unreadable', false],
  [
    "the SDK's time-out",
    McpError.fromError(ErrorCode.RequestTimeout, 'Request timed out', { timeout: 1 }),
    'timeout',
    true,
  ],
  [
    "the SDK's closed connection",
    McpError.fromError(ErrorCode.ConnectionClosed, 'Connection closed'),
    'closed',
    false,
  ],
  ["a server's -32001", new McpError(-32_001, 'no such session'), 'answered', true],
  ["a server's -32000", new McpError(-32_000, 'database is locked'), 'answered', true],
  ['an internal error', new McpError(ErrorCode.InternalError, 'oops'), 'answered', true],
  ['bad parameters', new McpError(ErrorCode.InvalidParams, 'x'), 'answered', false],
  ['an unknown method', new McpError(ErrorCode.MethodNotFound, 'x'), 'answered', false],
  ['a bad request', new McpError(ErrorCode.InvalidRequest, 'x'), 'answered', false],
  ['a client without a connection', new Error('Not connected'), 'closed', false],
  ['a result of another shape', z.object({ a: z.string() }).safeParse({}).error, 'unreadable', false],
  ['a body that is no JSON', new SyntaxError('Unexpected token <'), 'unreadable', false],
  ['a status check that may pass', new StatusCheckError('x', { retryable: true }), 'ours', true],
  ['a status check that stays', new StatusCheckError('x', { retryable: false }), 'ours', false],
  ['an unknown task', new TaskNotFoundError('x'), 'ours', false],
  ['a missing feature', new NotSupportedError('x'), 'ours', false],
  ['a text', 'oops', 'lost', true],
])('%s is told apart', (_what, error, failure, transient) => {
  expect(classifyFailure(error)).toBe(failure);
  expect(isTransient(error)).toBe(transient);
});

test('the code of the operating system is found however deep it lies, and absent where there is none', () => {
  const deep = new Error('a', { cause: new Error('b', { cause: withCode('EPIPE') }) });
  expect(systemCode(deep)).toBe('EPIPE');
  expect(systemCode(new AggregateError([]))).toBeUndefined();
  expect(systemCode(new Error('a'))).toBeUndefined();
  expect(systemCode('EPIPE')).toBeUndefined();
});

test('an error says what caused it where it says nothing itself', () => {
  expect(messageOf(fetchFailed(new Error('connect ECONNREFUSED')))).toBe('connect ECONNREFUSED');
  expect(messageOf(new Error('plain', { cause: new Error('inner') }))).toBe('plain');
  expect(messageOf('text')).toBe('text');
});

const refused = fetchFailed(withCode('ECONNREFUSED'));
const reset = fetchFailed(withCode('ECONNRESET'));
const timeout = McpError.fromError(ErrorCode.RequestTimeout, 'Request timed out', { timeout: 1 });
const internal = new McpError(ErrorCode.InternalError, 'oops');

test.each<[string, unknown, boolean[]]>([
  ['did not arrive', refused, [true, true, true, true]],
  ['was turned away for too many requests', new StreamableHTTPError(429, 'slow'), [true, true, true, true]],
  ['may have arrived', reset, [true, false, true, false]],
  ['was not answered in time', timeout, [true, false, false, false]],
  ['was answered with an internal error', internal, [true, false, false, false]],
  ['was answered with HTTP 401', new StreamableHTTPError(401, 'who'), [false, false, false, false]],
])('a start that %s is sent again only where that is safe', (_what, error, expected) => {
  const kinds = (['task', 'blocking'] as const).flatMap(startKind =>
    [true, false].map(idempotent => ({ startKind, idempotent })),
  );
  expect(kinds.map(kind => mayStartAgain(error, kind))).toEqual(expected);
});
