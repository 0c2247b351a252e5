import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HOST_NAMES } from '../../../src/cli/flags.js';
import { HOST_FILES, type HostFile } from '../../../src/cli/install/host-files.js';
import { replaceFile } from '../../../src/storage/replace-file.js';
import { runMain } from '../../fixtures/cli/memory-io.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-await-install-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const folder = () => join(home, 'project');

function run(words: readonly string[], options: { isTTY?: boolean; input?: string } = {}) {
  mkdirSync(folder(), { recursive: true });
  const env = { HOME: home, MCP_AWAIT_HOME: join(home, 'state') };
  return runMain(['install', ...words], { env, cwd: folder(), ...options });
}

function fileOf(name: string): string {
  const host = HOST_FILES.find(each => each.name === name) as HostFile;
  return host.user({ platform: process.platform, home, env: { HOME: home }, cwd: folder() });
}

function write(path: string, text: string | Uint8Array): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const JSON_TEXT = `{
  // my servers
  "mcpServers": {
    "video": { "command": "node", "args": ["a.js", /* quick */ "--fast"], "env": { "TOKEN": "hunter2" } }, // the one
    "remote": {
      "url": "https://x.example/mcp?key=hunter2",
      "headers": { "Authorization": "Bearer hunter2" },
    },
    "off": { "command": "x", "disabled": true },
  },
  "other": [1,2,   3],
}
`;

const TOML_TEXT = `# mine
model = "o3" # best
big = 9223372036854775807

[mcp_servers.video] # the one
command = "node"   # run
args = [
  "a.js", # file
]
tool_timeout_sec = 30
env = { "TOKEN" = "hunter2" }

[mcp_servers."odd name"]
url = "https://x.example/mcp"
http_headers = { Authorization = "Bearer hunter2" }

[other]
a = { b = 1 }
`;

const textFor = (name: string) => {
  if (name === 'codex') return TOML_TEXT;
  return name === 'vscode' ? JSON_TEXT.replace('mcpServers', 'servers') : JSON_TEXT;
};

describe.each(HOST_NAMES.map(name => [name]))('mcp-await install %s', name => {
  test('shows no secret, keeps comments, does nothing twice, and takes all back byte by byte', async () => {
    const file = write(fileOf(name), textFor(name));
    chmodSync(file, 0o640);
    const first = await run([name, '--yes']);
    expect(first).toMatchObject({ code: 0 });
    expect(first.stdout).toMatch(/^ {4}- command: "node"\n {4}\+ command: "(npx|cmd)"$/m);
    expect(first.stdout + first.stderr).not.toContain('hunter2');
    const written = readFileSync(file, 'utf8');
    for (const comment of textFor(name).match(/(\/\/ .*|\/\* .* \*\/|# .*)$/gm) ?? [])
      expect(written).toContain(comment);
    expect(written).toMatch(/"other": \[1,2, {3}3\]|a = \{ b = 1 \}/);
    expect(written.match(/mcp-await"/g)).toHaveLength(2);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    const again = await run([name, '--yes']);
    expect(again).toMatchObject({ code: 0, stdout: '' });
    expect(again.stderr).toContain('video is behind the proxy already.');
    expect(readFileSync(file, 'utf8')).toBe(written);
    const undone = await run([name, '--undo', '--yes']);
    expect(undone.stdout + undone.stderr).not.toContain('hunter2');
    expect(readFileSync(file, 'utf8')).toBe(textFor(name));
    expect(readdirSync(join(home, 'state', 'host-files'))).toEqual([]);
    expect((await run([name, '--undo', '--yes'])).stderr).toContain('nothing to take back');
  });

  test('takes its servers back after others have changed the file', async () => {
    const file = write(fileOf(name), textFor(name));
    await run([name, '--yes']);
    const more = name === 'codex' ? '\n[mcp_servers.new]\ncommand = "y"\n' : '';
    const changed = readFileSync(file, 'utf8').replace(/("other": \[1,2, {3}3)/, '$1, 4') + more;
    writeFileSync(file, changed);
    await run([name, '--undo', '--yes']);
    const text = readFileSync(file, 'utf8');
    if (name === 'codex') expect(text).toContain('[mcp_servers.new]\ncommand = "y"\n');
    else expect(text).toBe(textFor(name).replace('3],', '3, 4],'));
    expect(text).not.toContain('mcp-await');
    expect(text).toContain('"TOKEN"');
  });
});

describe('mcp-await install', () => {
  test('writes only what a person agrees to', async () => {
    const file = write(fileOf('cursor'), JSON_TEXT);
    expect(await run(['cursor'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--yes writes it'),
    });
    const no = await run(['cursor'], { isTTY: true, input: 'n\n' });
    expect(no).toMatchObject({ code: 0, stderr: expect.stringContaining('Nothing was written.') });
    expect(readFileSync(file, 'utf8')).toBe(JSON_TEXT);
    const yes = await run(['cursor', '--servers', 'video'], { isTTY: true, input: 'y\n' });
    expect(yes.stderr).toContain('`mcp-await install cursor --undo` takes it back.');
    expect(readFileSync(file, 'utf8').match(/mcp-await"/g)).toHaveLength(1);
  });

  test('changes the file of a project, also the servers of this folder in the file of Claude Code', async () => {
    const project = write(join(folder(), '.mcp.json'), JSON_TEXT);
    expect((await run(['claude-code', '--project', '--yes'])).code).toBe(0);
    expect(readFileSync(project, 'utf8')).toContain('mcp-await');
    const server = { local: { command: 'node' } };
    const user = write(
      fileOf('claude-code'),
      JSON.stringify({
        numStartups: 3,
        projects: { [folder()]: { mcpServers: server }, '/other': { mcpServers: server } },
      }),
    );
    await run(['claude-code', '--yes']);
    const { projects, numStartups } = JSON.parse(readFileSync(user, 'utf8'));
    expect(projects[folder()].mcpServers.local.args).toContain('mcp-await');
    expect(projects['/other'].mcpServers).toEqual(server);
    expect(numStartups).toBe(3);
  });

  test('starts this copy with --local', async () => {
    const file = write(fileOf('cursor'), '{"mcpServers":{"a":{"command":"node"}}}');
    await run(['cursor', '--local', '--yes']);
    const { a } = JSON.parse(readFileSync(file, 'utf8')).mcpServers;
    expect(a.command).toBe(process.execPath);
    expect(a.args[0]).toMatch(/bin[\\/]mcp-await\.js$/);
    expect((await run(['cursor', '--local', '--yes'])).stderr).toContain('a is behind the proxy already');
  });

  test('writes through a link, and keeps the encoding and the ends of lines', async () => {
    const text = JSON_TEXT.replaceAll('\n', '\r\n');
    const target = write(join(home, 'dotfiles', 'cursor.json'), Buffer.from(`\ufeff${text}`, 'utf16le'));
    mkdirSync(dirname(fileOf('cursor')), { recursive: true });
    symlinkSync(target, fileOf('cursor'));
    await run(['cursor', '--yes']);
    expect(lstatSync(fileOf('cursor')).isSymbolicLink()).toBe(true);
    const written = readFileSync(target);
    expect([written[0], written[1]]).toEqual([0xff, 0xfe]);
    expect(written.toString('utf16le')).not.toMatch(/[^\r]\n/);
    await run(['cursor', '--undo', '--yes']);
    expect(readFileSync(target).toString('utf16le')).toBe(`\ufeff${text}`);
  });

  test.each<[string, string, string, RegExp]>([
    [
      'a file that is no JSON',
      'cursor',
      '{"mcpServers": {"a": {"env": {"T": "hunter2"} "x"',
      /is no valid JSON: .* line 1/,
    ],
    ['a file that is no TOML', 'codex', 'a = 1\nkey = hunter2 hunter2\n', /is no valid TOML, at line 2\./],
    [
      'a name that is not there',
      'gemini-cli',
      JSON_TEXT,
      /There is no server vidio in .*settings\.json\. It has: video, remote, off\./,
    ],
  ])('tells of %s, and changes nothing', async (_what, name, text, message) => {
    const file = write(fileOf(name), text);
    const said = await run([
      name,
      '--yes',
      ...(message.source.includes('vidio') ? ['--servers', 'vidio'] : []),
    ]);
    expect(said).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
    expect(said.stderr).not.toContain('hunter2');
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('tells of a file that is missing, binary, read-only or empty', async () => {
    expect((await run(['cursor', '--yes'])).stderr).toMatch(
      /There is no file .*mcp\.json: Cursor is told of no servers there\. Add .*\{"mcpServers":\{"NAME":.*--project/,
    );
    expect((await run(['codex', '--yes'])).stderr).toContain('[mcp_servers.NAME] with command = "npx"');
    const file = write(fileOf('cursor'), Buffer.from([0x7b, 0xc3, 0x28]));
    expect((await run(['cursor', '--yes'])).stderr).toContain('is no text in UTF-8');
    write(file, '');
    expect(await run(['cursor', '--yes'])).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/names no servers\. Add a server to it first, such as \{"mcpServers"/),
    });
    write(file, JSON_TEXT);
    chmodSync(file, 0o444);
    const said = await run(['cursor', '--yes']);
    expect(said).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('it is read-only. Make it writable first.'),
    });
    expect(readFileSync(file, 'utf8')).toBe(JSON_TEXT);
    expect(readdirSync(join(home, 'state', 'host-files'))).toEqual([]);
  });

  test('takes nothing back of which it has no copy', async () => {
    const text = '{"mcpServers":{"a":{"command":"npx","args":["mcp-await","proxy","--","node"]}}}';
    const file = write(fileOf('cursor'), text);
    expect((await run(['cursor', '--undo', '--yes'])).stderr).toContain(
      'a stays as it is: there is no copy of how it was.',
    );
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});

describe('replacing a file', () => {
  test('is refused where it has changed since it was read, or another process replaces it', () => {
    const file = write(join(home, 'a.json'), 'one');
    expect(() => replaceFile(file, Buffer.from('two'), Buffer.from('none'))).toThrow(
      /another program has changed it/,
    );
    const lock = write(`${file}.mcp-await-new`, '');
    expect(() => replaceFile(file, Buffer.from('two'), Buffer.from('one'))).toThrow(
      /another process is writing it/,
    );
    // Whoever wrote it is gone.
    utimesSync(lock, 0, 0);
    replaceFile(file, Buffer.from('two'), Buffer.from('one'));
    expect(readFileSync(file, 'utf8')).toBe('two');
    expect(existsSync(lock)).toBe(false);
  });
});
