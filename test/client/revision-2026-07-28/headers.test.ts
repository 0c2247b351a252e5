import { describe, expect, test } from 'vitest';
import {
  headersOfCall,
  parameterHeaders,
  standardHeaders,
} from '../../../src/client/revision-2026-07-28/revision-wire.js';

const encoded = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;

test.each([
  ['tools/call', { name: 'bake' }, { 'mcp-name': 'bake' }],
  ['tools/call', { name: 'Käse' }, { 'mcp-name': encoded('Käse') }],
  ['tools/call', {}, {}],
  ['resources/read', { uri: 'file:///a' }, { 'mcp-name': 'file:///a' }],
  ['tasks/get', { taskId: 't', name: 'n' }, { 'mcp-name': 't' }],
  ['tools/list', { name: 'n' }, {}],
  ['constructor', { name: 'n' }, {}],
])('a %s request of %j is named by its headers', (method, params, name) => {
  expect(standardHeaders({ jsonrpc: '2.0', id: 1, method, params })).toEqual({
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...name,
  });
});

const marked = (name: unknown, type: unknown = 'string') => ({ type, 'x-mcp-header': name });
const schema = (properties: object) => ({ type: 'object', properties });

describe('arguments that are marked to travel as headers', () => {
  test('are found at any depth, and sent where they are given', () => {
    const declared = parameterHeaders(
      schema({
        region: marked('Region'),
        plain: { type: 'string' },
        deep: schema({ count: marked('Count', 'integer'), on: marked('On', 'boolean') }),
      }),
    );
    if (typeof declared === 'string') throw new Error(declared);
    expect(headersOfCall(declared, { region: 'eu', plain: 'x', deep: { count: 42, on: false } })).toEqual({
      'mcp-param-Region': 'eu',
      'mcp-param-Count': '42',
      'mcp-param-On': 'false',
    });
    expect(headersOfCall(declared, { region: null, deep: { count: { no: 1 }, on: undefined } })).toEqual({});
    expect(headersOfCall(declared, undefined)).toEqual({});
  });

  test.each([
    ['an empty name', schema({ a: marked('') })],
    ['a name that is no text', schema({ a: marked(5) })],
    ['a name with a blank', schema({ a: marked('a b') })],
    ['a name with a line break', schema({ a: marked('a\r\nb') })],
    ['a name outside of ASCII', schema({ a: marked('ä') })],
    ['an object', schema({ a: marked('A', 'object') })],
    ['a list', schema({ a: marked('A', 'array') })],
    ['a number that need not be whole', schema({ a: marked('A', 'number') })],
    ['no type', schema({ a: { 'x-mcp-header': 'A' } })],
    ['the same name twice', schema({ a: marked('A'), b: marked('A') })],
    ['the same name in other letters', schema({ a: marked('MyField'), b: marked('myfield') })],
    ['the whole of the arguments', { ...schema({}), 'x-mcp-header': 'A' }],
    ['an item of a list', schema({ a: { type: 'array', items: marked('A') } })],
    ['one of several forms', { oneOf: [schema({ a: marked('A') })] }],
    ['a definition', { $defs: { d: { properties: { a: marked('A') } } } }],
  ])('must not be %s', (_what, given) => {
    expect(parameterHeaders(given)).toEqual(expect.any(String));
  });

  test.each([
    ['a default', schema({ a: { type: 'object', default: { 'x-mcp-header': 'A' } } })],
    ['an example', schema({ a: { type: 'object', examples: [{ 'x-mcp-header': 'A' }] } })],
    ['no schema', undefined],
  ])('are not looked for in %s', (_what, given) => {
    expect(parameterHeaders(given)).toEqual([]);
  });

  test('are not looked for without end', () => {
    let deep: object = marked('A');
    for (let level = 0; level < 100; level++) deep = schema({ a: deep });
    expect(parameterHeaders(deep)).toMatch(/too deeply/);
  });
});
