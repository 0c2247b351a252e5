// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${NAME}` is the syntax under test
import {
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addPairs, listServers, namedServer, pairsOfServer } from '../../../src/client/connect/mcp-config.js';
import { ConfigurationError } from '../../../src/errors.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mcp-await-config-'));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

/** Writes a file below the test's directory. @returns its path */
function write(path: string, content: unknown): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const config = (mcpServers: Record<string, unknown>) => ({ mcpServers });
const command = (name: string) => ({ command: name });

function find(
  name: string,
  {
    directory = '.',
    configFile,
    environment = {},
  }: {
    directory?: string;
    configFile?: string;
    environment?: Record<string, string>;
  } = {},
) {
  return namedServer(name, { directory: join(root, directory), configFile, environment });
}

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as Error).message;
  }
  throw new Error('Expected a failure');
}

describe('the file', () => {
  test('is the nearest one upwards', () => {
    write('mcp.json', config({ a: command('far') }));
    write('project/.mcp.json', config({ a: command('near') }));
    mkdirSync(join(root, 'project/src/deep'), { recursive: true });
    expect(find('a', { directory: 'project/src/deep' })).toEqual({ command: 'near' });
    expect(find('a')).toEqual({ command: 'far' });
  });

  test('is `.mcp.json` before `mcp.json` in one folder', () => {
    write('mcp.json', config({ a: command('plain') }));
    write('.mcp.json', config({ a: command('dotted') }));
    expect(find('a')).toEqual({ command: 'dotted' });
  });

  test('may be named, from the directory or absolutely', () => {
    write('.mcp.json', config({ a: command('nearest') }));
    const file = write('other/servers.json', config({ a: command('named') }));
    expect(find('a', { configFile: 'other/servers.json' })).toEqual({ command: 'named' });
    expect(find('a', { configFile: file })).toEqual({ command: 'named' });
  });

  test('that is missing says where it was looked for and how to name one', () => {
    expect(messageOf(() => find('a', { configFile: 'none.json' }))).toMatch(/none\.json cannot be read/);
  });

  test.each([
    ['no JSON', '{"mcpServers":', /is no JSON/],
    ['an empty file', '', /is no JSON/],
    ['a list', '[]', /has no object `mcpServers`/],
    ['another shape', '{"context_servers":{}}', /has no object `mcpServers` or `servers`/],
    [
      'a line that ends too early',
      '{\n  "mcpServers": {"a" "x"}\n}',
      /is no JSON: colon expected at line 2, column 22/,
    ],
  ])('that holds %s is named', (_what, content, message) => {
    const file = write('.mcp.json', content);
    expect(messageOf(() => find('a'))).toMatch(message);
    expect(messageOf(() => find('a'))).toContain(file);
  });
});

describe('a server', () => {
  test('is a command or a URL, and keys of other hosts are left out', () => {
    write(
      '.mcp.json',
      config({
        local: {
          type: 'stdio',
          command: 'node',
          args: ['a.js'],
          env: { A: '1' },
          cwd: '/tmp',
          disabled: false,
          timeout: 60,
          alwaysAllow: ['x'],
        },
        remote: { type: 'http', url: 'https://example.com/mcp', headers: { A: '1' } },
      }),
    );
    expect(find('local')).toEqual({ command: 'node', args: ['a.js'], env: { A: '1' }, cwd: '/tmp' });
    expect(find('remote')).toEqual({ url: 'https://example.com/mcp', headers: { A: '1' } });
  });

  test('of an unknown name suggests the nearest one and lists them all', () => {
    const file = write('.mcp.json', config({ github: command('x'), postgres: command('y') }));
    expect(messageOf(() => find('gihtub'))).toBe(
      `There is no server \`gihtub\` in ${file}. Did you mean \`github\`? It has: github, postgres.`,
    );
  });

  test('of an unknown name in a file without servers says that there are none', () => {
    write('.mcp.json', config({}));
    expect(messageOf(() => find('a'))).toMatch(/The file names no server/);
  });

  test.each(['constructor', 'toString', '__proto__'])(
    'is not found under `%s`, which every object inherits',
    name => {
      write('.mcp.json', config({ a: command('x') }));
      expect(messageOf(() => find(name))).toMatch(/There is no server/);
    },
  );

  test.each([
    ['neither a command nor a URL', { type: 'stdio' }],
    ['a number for a command', { command: 7 }],
    ['an empty command', { command: '' }],
    ['a list in its environment', { command: 'x', env: { PORT: [7] } }],
    ['a URL that is none of its type', { type: 'stdio', url: 'http://localhost' }],
    ['null', null],
  ])('with %s is refused by name, and others in the file still work', (_what, entry) => {
    write('.mcp.json', config({ broken: entry, good: command('x') }));
    expect(messageOf(() => find('broken'))).toMatch(
      /server `broken` in .* needs either a `command` or a `url`/,
    );
    expect(find('good')).toEqual({ command: 'x' });
  });
});

describe('variables', () => {
  const fill = (text: string, environment: Record<string, string> = {}) => {
    write('.mcp.json', config({ a: { command: text } }));
    return (find('a', { environment }) as { command: string }).command;
  };

  test.each([
    ['${X}', 'set'],
    ['a-${X}-${X}-b', 'a-set-set-b'],
    ['${X:-other}', 'set'],
    ['${NONE:-other}', 'other'],
    ['${NONE:-}', ''],
    ['${NONE:-https://h/p?a=b}', 'https://h/p?a=b'],
    ['$X', '$X'],
    ['$${X}', '$set'],
    ['${env:X}', 'set'],
    ['${env:NONE:-other}', 'other'],
  ])('in `%s` give `%s`', (text, filled) => {
    expect(fill(`x${text}`, { X: 'set' })).toBe(`x${filled}`);
  });

  test('are filled in every text of an entry', () => {
    write(
      '.mcp.json',
      config({
        local: { command: '${X}', args: ['${X}'], env: { A: '${X}' }, cwd: '${X}' },
        remote: { url: 'http://${X}/', headers: { A: 'Bearer ${X}' } },
      }),
    );
    const environment = { X: 'v' };
    expect(find('local', { environment })).toEqual({ command: 'v', args: ['v'], env: { A: 'v' }, cwd: 'v' });
    expect(find('remote', { environment })).toEqual({ url: 'http://v/', headers: { A: 'Bearer v' } });
  });

  test('whose values look like variables are not filled again', () => {
    expect(fill('${X}', { X: '${Y}', Y: 'deep' })).toBe('${Y}');
  });

  test('that are not set are named, with the server and the file, and no value is told', () => {
    write('.mcp.json', config({ a: { command: 'x', env: { A: '${TOKEN}', B: 'secret' } } }));
    const message = messageOf(() => find('a'));
    expect(message).toMatch(
      /environment variable TOKEN, which the server `a` in .* asks for by .* is not set/,
    );
    expect(message).not.toContain('secret');
  });

  test('of another server are not asked for', () => {
    write('.mcp.json', config({ a: command('x'), b: { command: '${TOKEN}' } }));
    expect(find('a')).toEqual({ command: 'x' });
  });
});

test('the servers of a file can be listed, with those that are switched off', () => {
  write('.mcp.json', config({ a: command('x'), b: null, c: { disabled: true }, d: { enabled: false } }));
  expect(listServers({ directory: root, environment: {} })).toEqual([
    { name: 'a', isDisabled: false },
    { name: 'b', isDisabled: false },
    { name: 'c', isDisabled: true },
    { name: 'd', isDisabled: true },
  ]);
  expect(messageOf(() => find('c'))).toMatch(/server `c` in .* is switched off there/);
});

describe('the dialects of hosts', () => {
  test.each([
    ['Claude Code', { type: 'http', url: 'http://h/' }],
    ['VS Code', { type: 'sse', url: 'http://h/' }],
    ['Gemini CLI', { httpUrl: 'http://h/', timeout: 5000, trust: true }],
    ['Windsurf', { serverUrl: 'http://h/', disabledTools: [] }],
    ['Cline', { type: 'streamableHttp', url: 'http://h/', autoApprove: [] }],
    ['the registry', { type: 'streamable-http', url: 'http://h/' }],
    ['Cursor', { url: 'http://h/', headers: null }],
  ])('of %s lead to a URL', (_host, entry) => {
    write('.mcp.json', config({ a: entry }));
    expect(find('a')).toMatchObject({ url: 'http://h/' });
  });

  test.each([
    [{ type: 'sse' }, 'sse'],
    [{ transport: 'sse' }, 'sse'],
    [{ type: 'http' }, undefined],
  ])('%j says what is tried first', (more, type) => {
    write('.mcp.json', config({ a: { url: 'http://h/', ...more } }));
    expect(find('a')).toEqual({ url: 'http://h/', ...(type && { type }) });
  });

  test('of VS Code call the object `servers`, and write numbers and null into `env`', () => {
    write('.mcp.json', {
      inputs: [{ id: 'token' }],
      servers: {
        a: { type: 'stdio', command: 'x', args: [1, true], env: { PORT: 7, DEBUG: false, GONE: null } },
      },
    });
    expect(find('a')).toEqual({ command: 'x', args: ['1', 'true'], env: { PORT: '7', DEBUG: 'false' } });
  });

  test('go into one list where a file has both objects', () => {
    write('.mcp.json', { servers: { a: command('1'), b: command('2') }, mcpServers: { a: command('3') } });
    expect([find('a'), find('b')]).toEqual([command('3'), command('2')]);
  });

  test('choose by `type` where an entry has a command and a URL', () => {
    write('.mcp.json', config({ a: { type: 'http', command: 'x', url: 'http://h/' } }));
    expect(find('a')).toEqual({ url: 'http://h/' });
  });

  test.each([
    [{ type: 'ws', url: 'ws://h/' }, /has the type `ws`, which is not spoken here/],
    [{ command: 'x', envFile: '.env' }, /has an `envFile`, which is not read/],
    [
      { command: 'x', args: ['${workspaceFolder}/a'] },
      /variable workspaceFolder, .* by `\$\{workspaceFolder\}`, is not set/,
    ],
    [
      { command: 'x', env: { A: '${input:token}' } },
      /asks for `\$\{input:token\}`, which is not filled in here/,
    ],
    [{ url: 'http://h/', headers: { A: 'Bearer ${file:~/token}' } }, /asks for `\$\{file:/],
    [{ command: 'x', args: ['${NONE:-${A}}'] }, /asks for `\$\{NONE:-\$\{A\}`/],
    [{ command: '${}' }, /asks for `\$\{\}`/],
  ])('that cannot be followed are refused for the one server: %j', (entry, message) => {
    write('.mcp.json', config({ a: entry, good: command('x') }));
    expect(messageOf(() => find('a'))).toMatch(message);
    expect(find('good')).toEqual(command('x'));
  });

  const commented = `{
  // mine
  "mcpServers": { /* one */ "a": { "command": "x", "args": ["//", "/* */"], }, },
}`;

  test.each([
    ['UTF-8', Buffer.from(commented)],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${commented}`)],
    ['UTF-16', Buffer.from(`\ufeff${commented}`, 'utf16le')],
    ['UTF-16 of the other order', Buffer.from(`\ufeff${commented}`, 'utf16le').swap16()],
    ['the line ends of Windows', Buffer.from(commented.replaceAll('\n', '\r\n'))],
  ])('have comments and trailing commas, in %s', (_encoding, bytes) => {
    writeFileSync(join(root, '.mcp.json'), bytes);
    expect(find('a')).toEqual({ command: 'x', args: ['//', '/* */'] });
  });

  test('keep their comments when pairs are added', () => {
    const file = write('mcp.json', commented);
    expect(addPairs(file, 'a', [{ name: 'p' }])).toBe(1);
    expect(readFileSync(file, 'utf8')).toMatch(/\/\/ mine[\s\S]*\/\* one \*\//);
    expect(pairsOfServer('a', { configFile: file, directory: root, environment: {} }).pairs).toEqual([
      { name: 'p' },
    ]);
  });
});

describe.skipIf(process.getuid?.() !== 0)('a file of another user, which only root can make here', () => {
  const foreign = () => {
    const file = write('.mcp.json', config({ a: command('x') }));
    mkdirSync(join(root, 'below'));
    chownSync(file, 4711, 4711);
    return file;
  };

  test('is not used from a folder below, and is not listed', () => {
    const file = foreign();
    expect(messageOf(() => find('a', { directory: 'below' }))).toMatch(
      /it belongs to another user\. Name it/,
    );
    expect(listServers({ directory: join(root, 'below'), environment: {} })).toEqual([]);
    expect(find('a', { directory: 'below', configFile: file })).toEqual(command('x'));
  });

  test('is used in its own folder, which whoever works there trusts', () => {
    foreign();
    expect(find('a')).toEqual(command('x'));
  });

  test('is not used through a link of that user', () => {
    write('mine/.mcp.json', config({ a: command('x') }));
    mkdirSync(join(root, 'below'));
    symlinkSync(join(root, 'mine/.mcp.json'), join(root, '.mcp.json'));
    lchownSync(join(root, '.mcp.json'), 4711, 4711);
    expect(messageOf(() => find('a', { directory: 'below' }))).toMatch(/belongs to another user/);
  });
});
