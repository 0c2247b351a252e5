import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { loadSettings } from '../../../src/cli/config/load-settings.js';
import { waitOptions } from '../../../src/client/options.js';
import { ConfigurationError } from '../../../src/errors.js';
import { bySection, type Setting, settingList } from '../../../src/server/config/setting-list.js';
import { newPlace } from './place.js';

const FILE = 'mcp-await.config.json';
const readsTypeScript = typeof (process.features as { typescript?: unknown }).typescript === 'string';

async function problemsOf(loading: Promise<unknown>): Promise<string[]> {
  const error = await loading.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigurationError);
  return (error as Error).message.split('\n').map(line => line.trim());
}

describe('the settings that hold', () => {
  it('are the defaults where nobody says anything', async () => {
    const { settings, file, warnings } = await loadSettings({}, newPlace().io());
    expect(settings).toEqual(bySection(setting => setting.default));
    expect({ file, warnings }).toEqual({ file: undefined, warnings: [] });
  });

  it('let a flag beat the environment, which beats the file, which beats the default', async () => {
    const place = newPlace();
    const said = { server: { port: 1, host: 'a' }, execution: { maxConcurrency: 1 } };
    place.write(FILE, said);
    const env = { MCP_AWAIT_SERVER_PORT: '2', MCP_AWAIT_EXECUTION_MAX_CONCURRENCY: '2' };
    const loaded = await loadSettings({ port: 3 } as object, place.io(env));
    expect(loaded.settings.server).toMatchObject({ port: 3, host: 'a', worker: true });
    expect(loaded.settings.execution).toMatchObject({ maxConcurrency: 2 });
    const sourceOf = (path: string) => loaded.said(find(path)).source;
    expect(['server.port', 'execution.maxConcurrency', 'server.host', 'server.worker'].map(sourceOf)).toEqual(
      ['flag', 'environment', 'file', 'default'],
    );
  });

  it.each(settingList.map(setting => [setting.path, setting] as const))(
    '%s is heard from the file and the environment',
    async (path, setting) => {
      const [value, text] = sample(setting);
      const place = newPlace();
      const fromEnvironment = await loadSettings({}, place.io({ [setting.variable]: text }));
      expect(fromEnvironment.said(setting)).toEqual({ source: 'environment', value });
      place.write(FILE, { [setting.section]: { [setting.key]: value } });
      const fromFile = await loadSettings({}, place.io());
      expect(fromFile.said(setting)).toEqual({ source: 'file', value });
      expect(fromFile.settings[setting.section as 'server'][setting.key as 'host'], path).toEqual(value);
    },
  );

  it('have the defaults of the library', async () => {
    const { settings } = await loadSettings({}, newPlace().io());
    for (const [name, value] of Object.entries(settings.polling)) {
      const option = waitOptions[name as keyof typeof waitOptions].default;
      expect(option, name).toBe(value === 'off' ? Number.POSITIVE_INFINITY : value);
    }
  });
});

describe('the file', () => {
  it('is the one that the flag names, else the environment, else the one in the working folder', async () => {
    const place = newPlace();
    const write = (name: string, port: number) => place.write(name, { server: { port } });
    const [own, named, flagged] = [write(FILE, 1), write('named.json', 2), write('flagged.json', 3)];
    const env = { MCP_AWAIT_CONFIG: 'named.json' };
    expect(await loadSettings({}, place.io())).toMatchObject({
      file: own,
      settings: { server: { port: 1 } },
    });
    expect(await loadSettings({}, place.io(env))).toMatchObject({
      file: named,
      settings: { server: { port: 2 } },
    });
    expect(await loadSettings({ settings: 'flagged.json' }, place.io(env))).toMatchObject({
      file: flagged,
      settings: { server: { port: 3 } },
    });
  });

  it('of a folder above is not read', async () => {
    const place = newPlace();
    place.write(FILE, { server: { port: 1 } });
    mkdirSync(join(place.folder, 'below'));
    const io = { ...place.io(), cwd: () => join(place.folder, 'below') };
    expect((await loadSettings({}, io)).file).toBeUndefined();
  });

  it.each(['mcp-await.config.js', 'mcp-await.config.mjs'])('may be %s', async name => {
    const place = newPlace();
    place.write(name, 'export default { execution: { maxConcurrency: 3 + 4 } };');
    place.write('package.json', { type: 'module' });
    expect((await loadSettings({}, place.io())).settings.execution.maxConcurrency).toBe(7);
  });

  it('may be TypeScript where Node reads it, and says so where not', async () => {
    const place = newPlace();
    place.write('mcp-await.config.ts', 'const port: number = 8080;\nexport default { server: { port } };');
    place.write('package.json', { type: 'module' });
    const loading = loadSettings({}, place.io());
    if (readsTypeScript) expect((await loading).settings.server.port).toBe(8080);
    else
      await expect(loading).rejects.toThrow(/mcp-await.config.ts is TypeScript, .*22\.18.* write it as \.js/);
  });

  it('has its relative paths from its own folder', async () => {
    const place = newPlace();
    mkdirSync(join(place.folder, 'etc'));
    const at = (name: string) => join(place.folder, 'etc', name);
    const server = { tokenFile: 'tokens', operations: './own.js', roots: ['.', '/data'] };
    place.write('etc/prod.json', { server, state: { provider: 'sqlite:tasks.db' } });
    const { settings } = await loadSettings({ settings: 'etc/prod.json' }, place.io());
    expect(settings).toMatchObject({
      server: {
        tokenFile: at('tokens'),
        operations: at('own.js'),
        roots: [at('.'), '/data'].map(path => path.replace(/\/\.$/, '')),
      },
      state: { provider: `sqlite:${at('tasks.db')}` },
    });
  });

  it.each(['memory:', 'sqlite::memory:', 'sqlite:/var/tasks.db', 'sqlite:///var/tasks.db'])(
    'leaves the store %s as it is',
    async provider => {
      const place = newPlace();
      place.write(FILE, { state: { provider } });
      expect((await loadSettings({}, place.io())).settings.state.provider).toBe(provider);
    },
  );

  it.each<[string, string, string | object, RegExp]>([
    ['is no JSON', FILE, '{\n  "server": {} "state"\n}', /is no valid JSON: .* at line 2, column 16/],
    ['is empty', FILE, '', /is no valid JSON/],
    ['exports nothing', 'mcp-await.config.mjs', '', /has no default export/],
    ['throws', 'mcp-await.config.mjs', 'throw new Error("no vault")', /failed to load: no vault/],
    ['is a list', FILE, '[]', /expected an object of settings, got \[\]/],
    ['is null', FILE, 'null', /expected an object of settings, got null/],
  ])('that %s is refused by its name', async (_case, name, content, message) => {
    const place = newPlace();
    const file = place.write(name, content);
    const problems = await problemsOf(loadSettings({}, place.io()));
    expect(problems.join()).toMatch(message);
    expect(problems.join()).toContain(file);
  });

  it('that is named and missing is refused', async () => {
    const loading = loadSettings({ settings: 'none.json' }, newPlace().io());
    await expect(loading).rejects.toThrow(/none\.json cannot be read: there is none \(ENOENT\)/);
  });

  it('is one file only', async () => {
    const place = newPlace();
    place.write(FILE, {});
    place.write('mcp-await.config.mjs', 'export default {}');
    await expect(loadSettings({}, place.io())).rejects.toThrow(
      /mcp-await\.config\.json and mcp-await\.config\.mjs .* keep one/,
    );
  });

  it('repeats no secret of a JSON that breaks', async () => {
    const place = newPlace();
    place.write(FILE, '{"state": {"provider": "postgres://app:hunter2@db", hunter2}}');
    const problems = await problemsOf(loadSettings({}, place.io()));
    expect(problems.join()).not.toContain('hunter2');
  });
});

describe('what is wrong', () => {
  it('is told at once, by the place and the name that it has there', async () => {
    const place = newPlace();
    const file = place.write(FILE, {
      server: { port: 'many', prt: 1, ttlSeconds: 5, transport: 'sse', roots: [], allowedHosts: ['a', 5] },
      state: { provider: 'nowhere', maxResultBytes: 1.5 },
      execution: 5,
      pooling: {},
      maxConcurency: 5,
      ttl: 5,
      nonsense: 5,
    });
    const env = { MCP_AWAIT_POLLING_MAX_ATTEMPTS: 'no', MCP_AWAIT_SERVER_WORKER: 'yes' };
    const problems = await problemsOf(loadSettings({ lease: 10 } as object, place.io(env)));
    expect(problems).toEqual([
      'The configuration is not usable:',
      '--lease: expected a number from 1 to 3600 (seconds), got 0.01',
      'MCP_AWAIT_SERVER_WORKER: expected true or false, got "yes"',
      'MCP_AWAIT_POLLING_MAX_ATTEMPTS: expected a whole number of at least 1, or "off", got "no"',
      `${file}: server.transport: expected "stdio" or "http", got "sse"`,
      `${file}: server.port: expected a whole number from 0 to 65535, got "many"`,
      `${file}: server.allowedHosts: expected a list of texts, got ["a", 5]`,
      `${file}: server.roots: expected a list of at least one folder, got []`,
      `${file}: server.prt: there is no such setting; did you mean \`server.port\`?`,
      `${file}: server.ttlSeconds: there is no such setting; did you mean \`state.ttlSeconds\`?`,
      expect.stringMatching(/state\.provider: Expected a store as .*got `nowhere`/),
      `${file}: state.maxResultBytes: expected a whole number of at least 1 (bytes), got 1.5`,
      `${file}: execution: expected an object of settings, got 5`,
      `${file}: pooling: there is no such setting; did you mean \`polling\`?`,
      `${file}: maxConcurency: there is no such setting; did you mean \`execution.maxConcurrency\`?`,
      `${file}: ttl: there is no such setting; did you mean \`state.ttlSeconds\`?`,
      `${file}: nonsense: there is no such setting; \`mcp-await config\` prints all`,
    ]);
  });

  it('shows no password', async () => {
    const place = newPlace();
    place.write(FILE, {
      server: { port: 'postgres://app:hunter2@db', token: 'hunter2' },
      state: { provider: '//app:hunter2@db' },
    });
    const problems = await problemsOf(
      loadSettings({}, place.io({ MCP_AWAIT_SERVER_WORKER: 'redis://:hunter2@db' })),
    );
    expect(problems).toHaveLength(5);
    expect(problems.join()).not.toContain('hunter2');
  });

  it('is only a warning for a variable that means nothing', async () => {
    const env = { MCP_AWAIT_SERVER_PROT: 'hunter2', MCP_AWAIT_HOME: '/x', MCP_AWAIT_CONFIG: '' };
    expect((await loadSettings({}, newPlace().io(env))).warnings).toEqual([
      'The environment variable MCP_AWAIT_SERVER_PROT means nothing; did you mean MCP_AWAIT_SERVER_PORT?',
    ]);
  });

  it('is not an empty variable', async () => {
    const { settings } = await loadSettings({}, newPlace().io({ MCP_AWAIT_SERVER_PORT: ' ' }));
    expect(settings.server.port).toBe(3000);
  });
});

it.each([
  ['a, b', ['a', 'b']],
  ['["a,b"]', ['a,b']],
])('a list in the environment may be %s', async (text, list) => {
  const { settings } = await loadSettings({}, newPlace().io({ MCP_AWAIT_SERVER_ALLOWED_HOSTS: text }));
  expect(settings.server.allowedHosts).toEqual(list);
});

function find(path: string): Setting {
  const setting = settingList.find(each => each.path === path);
  if (setting === undefined) throw new Error(`There is no ${path}`);
  return setting;
}

const SAMPLES = {
  number: ['7', '0.5', '600'],
  boolean: ['true', 'false'],
  list: ['/a,/b'],
  text: ['/sample', 'sample_', 'memory:', 'http', 'debug'],
};

/** A value that is not the default, and its text. */
function sample({ form, default: usual, schema, path }: Setting): [unknown, string] {
  for (const text of SAMPLES[form]) {
    const value = form === 'list' ? text.split(',') : form === 'text' ? text : JSON.parse(text);
    if (value !== usual && schema.safeParse(value).success) return [value, text];
  }
  throw new Error(`No sample fits ${path}`);
}

it('a module that takes long to load is told of once, and its settings hold when it has', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const place = newPlace();
  const io = place.io();
  place.write(
    'mcp-await.config.mjs',
    'await new Promise(resolve => Object.assign(globalThis, { goOn: resolve })); export default { server: { port: 7 } };',
  );
  const loading = loadSettings({}, io);
  const told = () => String((io.stderr as PassThrough).read() ?? '');
  const goOn = await vi.waitUntil(() => Reflect.get(globalThis, 'goOn'), { timeout: 600_000, interval: 1 });
  vi.advanceTimersByTime(5000);
  vi.useRealTimers();
  expect(told()).toMatch(/^The settings file .*mcp-await\.config\.mjs has not finished loading after 5 s: /);
  goOn();
  expect((await loading).settings.server.port).toBe(7);
  expect(told()).toBe('');
});
