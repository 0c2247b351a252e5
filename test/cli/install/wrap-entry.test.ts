import { describe, expect, test } from 'vitest';
import { HOST_FILES, type HostFile } from '../../../src/cli/install/host-files.js';
import { differenceLines, wrapEntry } from '../../../src/cli/install/wrap-entry.js';

const program = ['npx', '-y', 'mcp-await'];
const hostOf = (name: string) => HOST_FILES.find(each => each.name === name) as HostFile;
const wrap = (entry: unknown, host = 'cursor') => wrapEntry(entry, { host: hostOf(host), program });

describe('the proxy before a server', () => {
  test.each<[string, object, object, string?]>([
    [
      'a command',
      { command: 'node', args: ['a.js', '--x'], env: { A: '1' }, cwd: '/x' },
      {
        command: 'npx',
        args: [...program.slice(1), 'proxy', '--', 'node', 'a.js', '--x'],
        env: { A: '1' },
        cwd: '/x',
      },
    ],
    [
      'a command alone',
      { command: 'uvx' },
      { command: 'npx', args: ['-y', 'mcp-await', 'proxy', '--', 'uvx'] },
    ],
    [
      'a URL',
      { type: 'http', url: 'https://x.example/mcp' },
      { type: 'stdio', command: 'npx', args: ['-y', 'mcp-await', 'proxy', '--url', 'https://x.example/mcp'] },
    ],
    [
      'a URL with a secret, and a header',
      { serverUrl: 'https://x.example/mcp?key=s', headers: { Authorization: 'Bearer s' }, env: { A: '1' } },
      {
        command: 'npx',
        args: [
          ...['-y', 'mcp-await', 'proxy', '--url-env', 'MCP_SERVER_URL'],
          ...['--header-env', 'Authorization=MCP_SERVER_HEADER_1'],
        ],
        env: { A: '1', MCP_SERVER_URL: 'https://x.example/mcp?key=s', MCP_SERVER_HEADER_1: 'Bearer s' },
      },
    ],
    [
      'a limit of Claude Code',
      { command: 'node', timeout: 30_000 },
      {
        command: 'npx',
        timeout: 30_000,
        args: ['-y', 'mcp-await', 'proxy', '--host-timeout', '25000ms', '--', 'node'],
      },
      'claude-code',
    ],
    [
      'a limit of Codex',
      { command: 'node', tool_timeout_sec: 10 },
      {
        command: 'npx',
        tool_timeout_sec: 10,
        args: ['-y', 'mcp-await', 'proxy', '--host-timeout', '8000ms', '--', 'node'],
      },
      'codex',
    ],
  ])('%s', (_what, entry, wrapped, host) => {
    expect(wrap(entry, host)).toEqual({ kind: 'wrapped', entry: wrapped });
    expect(wrap(wrapped, host)).toEqual({ kind: 'behind' });
  });

  test.each<[string, unknown, RegExp, string?]>([
    ['a text', 'node', /no object/],
    [
      'a server of this program',
      { command: 'npx', args: ['mcp-await@0.1', 'serve'] },
      /answers in time by itself/,
    ],
    ['one that is switched off', { command: 'x', disabled: true }, /switched off/],
    ['one without anything', { foo: 1 }, /neither a `command` nor a URL/],
    ['odd arguments', { command: 'x', args: 'y' }, /no list/],
    ['a token that only Codex reads', { url: 'https://x/', bearer_token_env_var: 'T' }, /alone/, 'codex'],
    [
      'a helper that only Claude Code runs',
      { url: 'https://x/', headersHelper: 'h' },
      /alone/,
      'claude-code',
    ],
  ])('is left out of %s', (_what, entry, why, host) => {
    expect(wrap(entry, host)).toMatchObject({ kind: 'skipped', why: expect.stringMatching(why) });
  });

  test.each([
    [{ command: 'npx', args: ['mcp-await', 'proxy', '--', 'x'] }],
    [{ command: '/usr/bin/node', args: ['/opt/mcp-await/bin/mcp-await.js', 'proxy', '--url', 'https://x'] }],
    [{ command: 'C:\\npm\\mcp-await.cmd', args: ['proxy'] }],
    [{ command: 'cmd', args: ['/c', 'npx', '-y', 'mcp-await', 'proxy', '--', 'x'] }],
  ])('is known in %j', entry => {
    expect(wrap(entry)).toEqual({ kind: 'behind' });
  });

  test('is not taken for one that a server has as its own argument', () => {
    expect(wrap({ command: 'run', args: ['--', 'mcp-await', 'proxy'] }).kind).toBe('wrapped');
  });
});

test('no secret of an entry is in the difference', () => {
  const before = {
    url: 'https://user:hunter2@x.example/s/hunter2hunter2hunter2hunter2/mcp?key=hunter2',
    headers: { Authorization: 'Bearer hunter2' },
    env: { TOKEN: 'hunter2' },
    other: 'hunter2',
  };
  const wrapping = wrap(before);
  if (wrapping.kind !== 'wrapped') throw new Error(wrapping.kind);
  const lines = differenceLines(before, wrapping.entry).join('\n');
  expect(lines).not.toContain('hunter2');
  expect(lines).toContain('"Authorization=MCP_SERVER_HEADER_1"');
  const secretArguments = {
    command: 'x',
    args: ['--token', 'hunter2', '--db=postgres://u:hunter2@h/d', '--password=hunter2'],
  };
  const wrapped = wrap(secretArguments);
  if (wrapped.kind !== 'wrapped') throw new Error(wrapped.kind);
  expect(differenceLines(secretArguments, wrapped.entry).join('\n')).not.toContain('hunter2');
});
