import { describe, expect, test } from 'vitest';
import { HOST_TIMEOUTS, holdMsBefore, holdMsOf, isUnwanted } from '../../src/server/host-timeouts.js';
import { stableCallId } from '../../src/server/tools/meta-keys.js';

describe('how long a call is held', () => {
  test.each([
    ['claude-code', 115_000],
    ['codex-mcp-client', 3_600_000],
    ['gemini-cli-mcp-client', 595_000],
    ['gemini-cli-mcp-client-reports', 595_000],
    ['gemini-cli-mcp-clients', undefined],
    ['@n8n/n8n-nodes-langchain.mcpClientTool', 55_000],
    ['mcp', undefined],
    [undefined, undefined],
  ])('for the host %s', (name, expected) => {
    expect(holdMsOf(name)).toBe(expected);
  });

  test.each([
    [60_000, 55_000],
    [10_000, 8000],
    [Number.POSITIVE_INFINITY, 3_600_000],
  ])('where the host gives up after %d ms', (timeoutMs, expected) => {
    expect(holdMsBefore(timeoutMs)).toBe(expected);
  });

  test('each row tells where it is from', () => {
    for (const { name, source } of HOST_TIMEOUTS) expect(source, name).toMatch(/ \d+\.\d+\.\d+ /);
  });
});

test.each([
  ['User pressed Escape', true],
  [undefined, true],
  ['McpError: MCP error -32001: Request timed out', false],
  ['the client hung up', false],
  ['timeout', false],
  ['timed out after 4.0s', false],
])('a call that is given up because of %j is unwanted: %s', (reason, expected) => {
  const given = new AbortController();
  given.abort(reason);
  expect(isUnwanted(given.signal)).toBe(expected);
  expect(isUnwanted(new AbortController().signal)).toBe(false);
});

test.each([
  [{ 'claudecode/toolUseId': 'toolu_01AbCdEfGhIjKlMn' }, 'toolu_01AbCdEfGhIjKlMn'],
  [{ callId: 'call_Zz0123456789abcdef' }, 'call_Zz0123456789abcdef'],
  [{ callId: 7 }, undefined],
  [{ callId: 'call-1' }, undefined],
  [{ callId: 'two words and more of them' }, undefined],
  [{ callId: 'x'.repeat(300) }, undefined],
  [{}, undefined],
  [undefined, undefined],
])('the `_meta` %j names the call %j', (meta, expected) => {
  expect(stableCallId(meta)).toBe(expected);
});
