// `node packaging/install-links.js NAME -- COMMAND ARGS...`: prints links that install a server in VS Code and in Cursor.
// Without arguments it prints the table of docs/hosts.md.
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What docs/hosts.md offers. A host that can ask is asked for the file of servers; Cursor reads it in the home folder. */
export const OFFERS = [
  {
    title: 'the proxy, in front of a file of servers',
    vscode: {
      name: 'mcp-await',
      inputs: [{ id: 'servers', type: 'promptString', description: 'File with mcpServers' }],
      command: 'npx',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code fills it in
      args: ['-y', 'mcp-await', 'proxy', '--config', '${input:servers}'],
    },
    cursor: {
      name: 'mcp-await',
      command: 'npx',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Cursor fills it in
      args: ['-y', 'mcp-await', 'proxy', '--config', '${userHome}/servers.json'],
    },
  },
  {
    title: 'the bundled server',
    vscode: { name: 'mcp-await', command: 'npx', args: ['-y', 'mcp-await', 'serve'] },
    cursor: { name: 'mcp-await', command: 'npx', args: ['-y', 'mcp-await', 'serve'] },
  },
];

/**
 * Links that open VS Code with this server. `web` works where a page may link to https only, as on GitHub.
 * @param {{ name: string, command?: string, args?: string[], url?: string }} server
 */
export function vscodeLinks(server) {
  const query = encodeURIComponent(JSON.stringify(server));
  const direct = `vscode:mcp/install?${query}`;
  return {
    direct,
    web: `https://insiders.vscode.dev/redirect?url=${encodeURIComponent(direct)}`,
    insiders: `vscode-insiders:mcp/install?${query}`,
  };
}

/**
 * Links that open Cursor with this server.
 * @param {{ name: string, command?: string, args?: string[], url?: string }} server
 */
export function cursorLinks({ name, ...config }) {
  const encoded = encodeURIComponent(Buffer.from(JSON.stringify(config)).toString('base64'));
  const query = `name=${encodeURIComponent(name)}&config=${encoded}`;
  return {
    direct: `cursor://anysphere.cursor-deeplink/mcp/install?${query}`,
    web: `https://cursor.com/en/install-mcp?${query}`,
  };
}

/** The table of docs/hosts.md. */
export function linkTable() {
  const rows = OFFERS.map(({ title, vscode, cursor }) => {
    const links = [`[VS Code](${vscodeLinks(vscode).web})`, `[Cursor](${cursorLinks(cursor).web})`];
    return `| ${title} | ${links.join(' | ')} |\n`;
  });
  return `| install | in VS Code | in Cursor |\n|---|---|---|\n${rows.join('')}`;
}

function linksOf([name, dashes, command, ...args]) {
  if (name === undefined || dashes !== '--' || command === undefined)
    throw new Error('Expected NAME -- COMMAND ARGS..., such as `video -- npx -y video-server`.');
  const server = { name, command: 'npx', args: ['-y', 'mcp-await', 'proxy', '--', command, ...args] };
  const links = { ...vscodeLinks(server), ...prefixed('cursor ', cursorLinks(server)) };
  return Object.entries(links)
    .map(([kind, link]) => `${kind}: ${link}\n`)
    .join('');
}

const prefixed = (prefix, links) =>
  Object.fromEntries(Object.entries(links).map(([kind, link]) => [`${prefix}${kind}`, link]));

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2);
  process.stdout.write(words.length === 0 ? linkTable() : linksOf(words));
}
