import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HOST_NAMES } from '../../../src/cli/flags.js';
import { HOST_FILES } from '../../../src/cli/install/host-files.js';

const place = (platform: NodeJS.Platform, env: Record<string, string> = {}) => ({
  platform,
  home: join('/', 'home', 'me'),
  env,
  cwd: '/work',
});

const paths = (platform: NodeJS.Platform, env?: Record<string, string>) =>
  Object.fromEntries(HOST_FILES.map(({ name, user }) => [name, user(place(platform, env))]));

test.each<[NodeJS.Platform, Record<string, string>, object]>([
  [
    'linux',
    {},
    {
      'claude-code': '/home/me/.claude.json',
      'claude-desktop': '/home/me/.config/Claude/claude_desktop_config.json',
      cursor: '/home/me/.cursor/mcp.json',
      vscode: '/home/me/.config/Code/User/mcp.json',
      windsurf: '/home/me/.codeium/windsurf/mcp_config.json',
      codex: '/home/me/.codex/config.toml',
      'gemini-cli': '/home/me/.gemini/settings.json',
    },
  ],
  [
    'darwin',
    {},
    {
      'claude-desktop': '/home/me/Library/Application Support/Claude/claude_desktop_config.json',
      vscode: '/home/me/Library/Application Support/Code/User/mcp.json',
    },
  ],
  [
    'win32',
    { APPDATA: '/roaming' },
    { 'claude-desktop': '/roaming/Claude/claude_desktop_config.json', vscode: '/roaming/Code/User/mcp.json' },
  ],
  [
    'linux',
    { XDG_CONFIG_HOME: '/config', CODEX_HOME: '/codex', CLAUDE_CONFIG_DIR: '/claude' },
    {
      vscode: '/config/Code/User/mcp.json',
      codex: '/codex/config.toml',
      'claude-code': '/claude/.claude.json',
    },
  ],
])('the files of hosts on %s with %j', (platform, env, expected) => {
  expect(paths(platform, env)).toMatchObject(expected);
});

test('the table has every host that the command takes, with its sources', () => {
  expect(HOST_FILES.map(({ name }) => name)).toEqual([...HOST_NAMES]);
  for (const { sources } of HOST_FILES) expect(sources.join()).toMatch(/^https:/);
});
