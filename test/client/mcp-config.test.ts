// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${NAME}` is the syntax under test
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { namedServer, serverNames } from '../../src/client/mcp-config.js';
import { ConfigurationError } from '../../src/errors.js';

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
    ['another shape', '{"servers":{}}', /has no object `mcpServers`/],
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
    ['a number in its environment', { command: 'x', env: { PORT: 7 } }],
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
    ['${}', '${}'],
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
    expect(message).toMatch(/environment variable TOKEN, which server `a` in .* asks for, is not set/);
    expect(message).not.toContain('secret');
  });

  test('of another server are not asked for', () => {
    write('.mcp.json', config({ a: command('x'), b: { command: '${TOKEN}' } }));
    expect(find('a')).toEqual({ command: 'x' });
  });
});

test('the names in a file can be listed', () => {
  write('.mcp.json', config({ a: command('x'), b: null }));
  expect(serverNames({ directory: root, environment: {} })).toEqual(['a', 'b']);
});
