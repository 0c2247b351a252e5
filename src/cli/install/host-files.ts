import { join } from 'node:path';
import type { HOST_NAMES } from '../flags.js';

/** Where a host's files may be. */
export interface HostPlace {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** The file in which a host is told its servers. */
export interface HostFile {
  readonly name: (typeof HOST_NAMES)[number];
  readonly title: string;
  readonly format: 'json' | 'toml';
  /** The file of this user. */
  readonly user: (place: HostPlace) => string;
  /** The file of a project, from its folder; undefined where there is none. */
  readonly project?: string;
  /** The objects that have the servers, each as keys from the top. */
  readonly keys: (place: HostPlace) => readonly (readonly string[])[];
  /** Milliseconds after which the host gives a call up, as an entry says. */
  readonly timeoutMs?: (entry: Readonly<Record<string, unknown>>) => unknown;
  /** Keys of an entry that only the host itself can act on: such a server stays as it is. */
  readonly refuses: readonly string[];
  /** How long the host waits for a call. */
  readonly patience: string;
  /** What makes the host read its file again. */
  readonly next: string;
  /** From where all this is known. */
  readonly sources: readonly string[];
}

const servers = (key: string) => () => [[key]];
const milliseconds = ({ timeout }: Readonly<Record<string, unknown>>) => timeout;

export const HOST_FILES: readonly HostFile[] = [
  {
    name: 'claude-code',
    title: 'Claude Code',
    format: 'json',
    user: ({ home, env }) => join(env.CLAUDE_CONFIG_DIR || home, '.claude.json'),
    project: '.mcp.json',
    // Servers of all projects, and those of the project in this folder.
    keys: ({ cwd }) => [['mcpServers'], ['projects', cwd, 'mcpServers']],
    timeoutMs: milliseconds,
    refuses: ['headersHelper', 'oauth'],
    patience: 'takes a call to the background after 2 minutes; `timeout` (ms) of an entry ends it',
    next: 'Quit every running `claude` before you say yes, because it writes this file itself, and start it again.',
    sources: ['https://code.claude.com/docs/en/mcp'],
  },
  {
    name: 'claude-desktop',
    title: 'Claude Desktop',
    format: 'json',
    user: place => join(applicationData(place), 'Claude', 'claude_desktop_config.json'),
    keys: servers('mcpServers'),
    refuses: [],
    patience: 'ends a call after 60 s to 4 minutes, which nothing can change',
    next: 'Quit Claude Desktop wholly and start it again.',
    sources: ['https://modelcontextprotocol.io/docs/develop/connect-local-servers'],
  },
  {
    name: 'cursor',
    title: 'Cursor',
    format: 'json',
    user: ({ home }) => join(home, '.cursor', 'mcp.json'),
    project: join('.cursor', 'mcp.json'),
    keys: servers('mcpServers'),
    refuses: ['auth'],
    patience: 'ended a call after 5 minutes in 1.4.5',
    next: 'Start Cursor again, or switch the servers off and on in its settings.',
    sources: ['https://cursor.com/docs/mcp'],
  },
  {
    name: 'vscode',
    title: 'VS Code',
    format: 'json',
    user: place => join(applicationData(place), 'Code', 'User', 'mcp.json'),
    project: join('.vscode', 'mcp.json'),
    keys: servers('servers'),
    refuses: [],
    patience: 'is not known to end a call',
    next: 'Restart the servers by `MCP: List Servers`.',
    sources: ['https://code.visualstudio.com/docs/agents/reference/mcp-configuration'],
  },
  {
    name: 'windsurf',
    title: 'Windsurf',
    format: 'json',
    user: ({ home }) => join(home, '.codeium', 'windsurf', 'mcp_config.json'),
    keys: servers('mcpServers'),
    refuses: [],
    patience: 'is not known to end a call',
    next: 'Refresh the servers in the MCP panel of Cascade.',
    sources: ['https://docs.windsurf.com/windsurf/cascade/mcp'],
  },
  {
    name: 'codex',
    title: 'Codex',
    format: 'toml',
    user: ({ home, env }) => join(env.CODEX_HOME || join(home, '.codex'), 'config.toml'),
    project: join('.codex', 'config.toml'),
    keys: servers('mcp_servers'),
    timeoutMs: ({ tool_timeout_sec: seconds }) => (typeof seconds === 'number' ? seconds * 1000 : undefined),
    // It hands these to servers on HTTP only.
    refuses: ['bearer_token_env_var', 'env_http_headers', 'oauth', 'scopes'],
    patience: 'let a call of 200 s pass; `tool_timeout_sec` of an entry sets a limit',
    next: 'Start Codex again.',
    sources: [
      'https://developers.openai.com/codex/mcp',
      'https://developers.openai.com/codex/config-reference',
    ],
  },
  {
    name: 'gemini-cli',
    title: 'Gemini CLI',
    format: 'json',
    user: ({ home }) => join(home, '.gemini', 'settings.json'),
    project: join('.gemini', 'settings.json'),
    keys: servers('mcpServers'),
    timeoutMs: milliseconds,
    refuses: ['authProviderType', 'oauth'],
    patience: 'ends a call after 10 minutes; `timeout` (ms) of an entry sets another limit',
    next: 'Start Gemini CLI again.',
    sources: ['https://geminicli.com/docs/tools/mcp-server'],
  },
];

/** Where programs of the desktop keep their settings. */
function applicationData({ platform, home, env }: HostPlace): string {
  switch (platform) {
    case 'darwin':
      return join(home, 'Library', 'Application Support');
    case 'win32':
      return env.APPDATA || join(home, 'AppData', 'Roaming');
    default:
      return env.XDG_CONFIG_HOME || join(home, '.config');
  }
}
