import { describe, expect, test } from 'vitest';
import {
  type HostPolicy,
  isAllowedHost,
  isAllowedOrigin,
  isLoopback,
} from '../../../src/server/http/guards.js';

const LOCAL: HostPolicy = {
  boundHost: '127.0.0.1',
  allowedHosts: [],
  allowedOrigins: [],
  localOrigins: true,
};
const NAMED: HostPolicy = {
  boundHost: '192.168.7.7',
  allowedHosts: ['MCP.example.com', '[fd00::7]'],
  allowedOrigins: ['https://App.example.com', 'null'],
  localOrigins: true,
};
const WILDCARD: HostPolicy = { ...LOCAL, boundHost: '0.0.0.0' };

test.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['localhost', true],
  ['LOCALHOST', true],
  ['::1', true],
  ['[::1]', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.7.7', false],
  ['example.com', false],
  ['127.0.0.1.example.com', false],
])('a server bound to %s is out of reach for others: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

describe('Host', () => {
  test.each<[string | undefined, HostPolicy, boolean]>([
    ['localhost', LOCAL, true],
    ['localhost:3000', LOCAL, true],
    ['LocalHost:1', LOCAL, true],
    ['127.0.0.1:3000', LOCAL, true],
    ['[::1]:3000', LOCAL, true],
    ['evil.example:3000', LOCAL, false],
    ['localhost.evil.example', LOCAL, false],
    ['127.0.0.1.evil.example', LOCAL, false],
    ['0.0.0.0:3000', LOCAL, false],
    ['192.168.7.7:3000', LOCAL, false],
    ['localhost:x', LOCAL, false],
    ['evil@localhost', LOCAL, false],
    ['localhost/evil', LOCAL, false],
    ['localhost#', LOCAL, false],
    ['', LOCAL, false],
    [undefined, LOCAL, false],
    ['192.168.7.7:3000', NAMED, true],
    ['mcp.example.com', NAMED, true],
    ['mcp.EXAMPLE.com:8443', NAMED, true],
    ['[fd00::7]:3000', NAMED, true],
    ['evil.mcp.example.com', NAMED, false],
    ['0.0.0.0:3000', WILDCARD, false],
    ['localhost:3000', WILDCARD, true],
  ])('%s at %o is allowed: %s', (header, policy, expected) => {
    expect(isAllowedHost(header, policy)).toBe(expected);
  });
});

describe('Origin', () => {
  test.each<[string | undefined, HostPolicy, boolean]>([
    [undefined, LOCAL, true],
    ['http://localhost:5173', LOCAL, true],
    ['http://127.0.0.1:3000', LOCAL, true],
    ['https://[::1]', LOCAL, true],
    ['http://evil.example', LOCAL, false],
    ['http://localhost.evil.example', LOCAL, false],
    ['null', LOCAL, false],
    ['', LOCAL, false],
    ['file://', LOCAL, false],
    ['chrome-extension://localhost', LOCAL, false],
    ['https://app.example.com', NAMED, true],
    ['https://mcp.example.com', NAMED, true],
    ['http://app.example.com', NAMED, false],
    ['https://app.example.com:8443', NAMED, false],
    ['null', NAMED, true],
  ])('%s at %o is allowed: %s', (header, policy, expected) => {
    expect(isAllowedOrigin(header, '127.0.0.1:3000', policy)).toBe(expected);
  });

  test.each([
    ['http://localhost:5173', false],
    ['http://127.0.0.1:3001', false],
    ['http://[::1]', false],
    ['https://127.0.0.1:3000', false],
    ['http://127.0.0.1:3000', true],
    ['http://localhost:6274', true],
    [undefined, true],
  ])('without pages of this machine, %s is allowed: %s', (header, expected) => {
    const policy = { ...LOCAL, allowedOrigins: ['http://localhost:6274'], localOrigins: false };
    expect(isAllowedOrigin(header, '127.0.0.1:3000', policy)).toBe(expected);
  });
});
