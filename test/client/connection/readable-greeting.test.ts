import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { readableGreeting } from '../../../src/client/connection/link.js';

const plain = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'a', version: '1' } };
const greeting = (result: object) => ({ jsonrpc: '2.0', id: 0, result }) as JSONRPCMessage;
const read = (more: object) => readableGreeting(greeting({ ...plain, ...more })) as { result?: unknown };

describe('the answer to `initialize`', () => {
  test.each<[string, object, object]>([
    ['of MCP', {}, plain],
    ['with null for what is absent', { instructions: null, _meta: null }, plain],
    [
      'with null capabilities',
      { capabilities: { tools: {}, prompts: null } },
      { ...plain, capabilities: { tools: {} } },
    ],
    [
      'with null within one',
      { capabilities: { tools: { listChanged: null } } },
      { ...plain, capabilities: { tools: {} } },
    ],
    [
      'with a word within one',
      { capabilities: { resources: { subscribe: 'yes' } } },
      { ...plain, capabilities: { resources: {} } },
    ],
    [
      'with true for a capability',
      { capabilities: { tools: true } },
      { ...plain, capabilities: { tools: {} } },
    ],
    [
      'with true within what it says of tasks',
      { capabilities: { tasks: { list: true, requests: { tools: { call: true } } } } },
      { ...plain, capabilities: { tasks: { list: {}, requests: { tools: { call: {} } } } } },
    ],
    ['without capabilities', { capabilities: null }, plain],
    [
      'without a version',
      { serverInfo: { name: 'a', version: null } },
      { ...plain, serverInfo: { name: 'a', version: 'unknown' } },
    ],
    [
      'of a server without a name',
      { serverInfo: undefined },
      { ...plain, serverInfo: { name: 'unknown', version: 'unknown' } },
    ],
    ['with instructions that are a list', { instructions: ['a'] }, plain],
  ])('is read %s', (_what, more, result) => {
    expect(read(more).result).toEqual(result);
  });

  test('without a protocol version stays what it is', () => {
    const message = greeting({ ...plain, protocolVersion: undefined });
    expect(readableGreeting(message)).toBe(message);
  });

  test('that is an error stays what it is', () => {
    const message = { jsonrpc: '2.0', id: 0, error: { code: -32602, message: 'no' } } as JSONRPCMessage;
    expect(readableGreeting(message)).toBe(message);
  });
});
