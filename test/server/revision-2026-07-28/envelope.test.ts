import { describe, expect, test } from 'vitest';
import { checkHeaders } from '../../../src/server/http/revision-endpoint.js';
import { readEnvelope } from '../../../src/server/revision-2026-07-28/envelope.js';
import { isWireMessage } from '../../../src/server/revision-2026-07-28/wire.js';
import { metaOf, requestOf, TASKS } from './modern-requests.js';

const VERSION = 'io.modelcontextprotocol/protocolVersion';

describe('a message belongs to this version', () => {
  test.each<[string, unknown, string | undefined, boolean]>([
    ['when its `_meta` names a version', requestOf('tools/list'), undefined, true],
    ['when it discovers', { method: 'server/discover' }, undefined, true],
    ['when its header says so', { method: 'tools/list' }, '2026-07-28', true],
    [
      'when it names an unknown version',
      { method: 'x', params: { _meta: { [VERSION]: '9' } } },
      undefined,
      true,
    ],
    ['not when it initializes', { method: 'initialize', params: {} }, undefined, false],
    ['not when an older session sends it', { method: 'tools/list' }, '2025-11-25', false],
    ['not when it is an answer', { id: 1, result: {} }, '2026-07-28', false],
    ['not when it is a batch', [requestOf('tools/list')], undefined, false],
  ])('%s', (_name, message, header, expected) => {
    expect(isWireMessage(message, header)).toBe(expected);
  });
});

describe('the `_meta` of a request', () => {
  test('tells whether the client takes tasks', () => {
    expect(readEnvelope(requestOf('tools/call')).takesTasks).toBe(true);
    expect(readEnvelope(requestOf('tools/call', {}, { capabilities: {} })).takesTasks).toBe(false);
    const odd = { extensions: { 'io.modelcontextprotocol/tasks': true } };
    expect(readEnvelope(requestOf('tools/call', {}, { capabilities: odd })).takesTasks).toBe(false);
  });

  test.each<[string, object, string | null | undefined, number]>([
    ['without any', { _meta: undefined }, undefined, -32602],
    ['without a version', { _meta: {} }, undefined, -32602],
    ['with a version that is no text', { _meta: { ...metaOf(), [VERSION]: 1 } }, undefined, -32602],
    ['without capabilities', { _meta: { [VERSION]: '2026-07-28' } }, undefined, -32602],
    [
      'with a client that is none',
      { _meta: { ...metaOf(), 'io.modelcontextprotocol/clientInfo': {} } },
      undefined,
      -32602,
    ],
    ['of another version', { _meta: { ...metaOf(), [VERSION]: '2099-01-01' } }, undefined, -32022],
    ['whose header is missing', {}, null, -32020],
    ['whose header says something else', {}, '2025-11-25', -32020],
    ['of another version, as the header says too', { _meta: { [VERSION]: '9' } }, '9', -32022],
    ['of another version than the header says', { _meta: { [VERSION]: '9' } }, '8', -32020],
  ])('%s is refused with its code, and 400', (_name, params, header, code) => {
    const request = requestOf('tools/list', params);
    expect(() => readEnvelope(request, header)).toThrow(expect.objectContaining({ code, httpStatus: 400 }));
  });

  test('of another version is told the ones that are spoken', () => {
    const request = requestOf('tools/list', { _meta: { ...metaOf(TASKS), [VERSION]: '9' } });
    expect(() => readEnvelope(request)).toThrow(
      expect.objectContaining({ data: { supported: ['2026-07-28'], requested: '9' } }),
    );
  });
});

describe('headers', () => {
  const get = requestOf('tasks/get', { taskId: 'tästk' });
  test.each<[string, object, boolean]>([
    ['that say the same', { 'mcp-method': 'tasks/get', 'mcp-name': '=?base64?dMOkc3Rr?=' }, true],
    ['with blanks around', { 'mcp-method': ' tasks/get ', 'mcp-name': ' =?base64?dMOkc3Rr?= ' }, true],
    ['without the method', { 'mcp-name': '=?base64?dMOkc3Rr?=' }, false],
    ['without the name', { 'mcp-method': 'tasks/get' }, false],
    ['with another name', { 'mcp-method': 'tasks/get', 'mcp-name': 'other' }, false],
    ['with another case', { 'mcp-method': 'TASKS/GET', 'mcp-name': '=?base64?dMOkc3Rr?=' }, false],
    ['with broken Base64', { 'mcp-method': 'tasks/get', 'mcp-name': '=?base64?dMOkc3R?=' }, false],
  ])('%s: %j', (_name, headers, fine) => {
    const check = () => checkHeaders(get, { ...headers });
    if (fine) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code: -32020, httpStatus: 400 }));
  });

  test('need no name where the method has none, or the body names nothing', () => {
    checkHeaders(requestOf('tools/list'), { 'mcp-method': 'tools/list' });
    checkHeaders(requestOf('tools/call', { name: 1 }), { 'mcp-method': 'tools/call' });
  });
});
