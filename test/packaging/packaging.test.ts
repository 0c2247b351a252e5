import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { cursorLinks, linkTable, OFFERS, vscodeLinks } from '../../packaging/install-links.js';
import { buildProgram } from '../../src/cli/program.js';

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const pack = JSON.parse(read('package.json'));

/** What the registry's schema of 2025-12-11 asks of an entry with npm packages, and what the registry checks beyond it. */
const argument = z.union([
  z.strictObject({ type: z.literal('positional'), value: z.string() }),
  z.strictObject({
    type: z.literal('named'),
    name: z.string().startsWith('--'),
    format: z.enum(['string', 'number', 'boolean', 'filepath']),
    isRequired: z.boolean(),
    description: z.string(),
    placeholder: z.string(),
  }),
]);
const serverEntry = z.strictObject({
  $schema: z.literal('https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json'),
  name: z.string().regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/),
  title: z.string().min(1).max(100),
  description: z.string().min(1).max(100),
  version: z.string().regex(/^\d+\.\d+\.\d+/),
  repository: z.strictObject({ url: z.url(), source: z.literal('github') }),
  packages: z.array(
    z.strictObject({
      registryType: z.literal('npm'),
      identifier: z.string(),
      version: z.string().regex(/^\d+\.\d+\.\d+/),
      runtimeHint: z.literal('npx'),
      transport: z.strictObject({ type: z.literal('stdio') }),
      packageArguments: z.array(argument),
    }),
  ),
});

describe('server.json', () => {
  const entry = serverEntry.parse(JSON.parse(read('server.json')));

  it('is of the version and the name that package.json says, by which the registry knows its owner', () => {
    expect(entry.name).toBe(pack.mcpName);
    for (const { version, identifier } of [{ ...entry, identifier: pack.name }, ...entry.packages])
      expect([version, identifier]).toEqual([pack.version, pack.name]);
  });

  it('names the repository of package.json', () => {
    expect(entry.name.startsWith(`io.github.${new URL(entry.repository.url).pathname.split('/')[1]}/`)).toBe(
      true,
    );
    expect(pack.repository.url).toContain(entry.repository.url);
  });

  it('starts commands that there are', () => {
    const [proxy, serve] = entry.packages.map(each => each.packageArguments);
    expect(proxy).toMatchObject([{ value: 'proxy' }, { name: '--config' }]);
    expect(serve).toMatchObject([{ value: 'serve' }]);
    const io = {
      argv: [],
      env: {},
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      stderr: new PassThrough(),
    };
    const listeners = { onExit() {}, onProtocol() {} };
    const program = buildProgram({ ...io, cwd: () => '.', on() {}, off() {} }, [], listeners);
    const flags = (name: string) =>
      program.commands.find(command => command.name() === name)?.options.map(({ flags }) => flags);
    expect(flags('proxy')).toContain('--config <file>');
    expect(flags('serve')).toBeDefined();
  });
});

it('the bundle and the compose file are of the version of package.json', () => {
  const manifest = JSON.parse(read('packaging/mcpb/manifest.json'));
  expect(manifest).toMatchObject({ name: pack.name, version: pack.version, license: pack.license });
  expect(manifest.compatibility.runtimes.node).toBe(pack.engines.node);
});

it('the image installs the peers that package.json names, in a major version of theirs', () => {
  const install = /npm install (.*) \\\n/.exec(read('packaging/Dockerfile'))?.[1]?.split(' ') ?? [];
  const peers = install.filter(word => /^[a-z]+@\d+$/.test(word)).map(word => word.split('@'));
  expect(peers.map(([name]) => name)).toEqual(['bullmq', 'ioredis', 'pg']);
  for (const [name = '', major] of peers)
    expect(pack.peerDependencies[name]).toMatch(new RegExp(`\\^${major}\\.`));
});

describe('the links that install a server', () => {
  const server = { name: 'a server & more', command: 'npx', args: ['-y', 'räksmörgås', '--title', 'a+b=c'] };

  it('of VS Code hold the server as JSON', () => {
    const { direct, web, insiders } = vscodeLinks(server);
    for (const [link, scheme] of [
      [direct, 'vscode'],
      [insiders, 'vscode-insiders'],
    ] as const) {
      const [start, query = ''] = link.split('?');
      expect(start).toBe(`${scheme}:mcp/install`);
      expect(JSON.parse(decodeURIComponent(query))).toEqual(server);
    }
    const redirect = new URL(web);
    expect(redirect.host).toBe('insiders.vscode.dev');
    expect(redirect.searchParams.get('url')).toBe(direct);
  });

  it('of Cursor hold the name, and the configuration as Base64', () => {
    const { name, ...config } = server;
    const { direct, web } = cursorLinks(server);
    expect(direct).toMatch(/^cursor:\/\/anysphere\.cursor-deeplink\/mcp\/install\?/);
    for (const link of [direct, web]) {
      const { searchParams } = new URL(link);
      expect(searchParams.get('name')).toBe(name);
      expect(JSON.parse(Buffer.from(searchParams.get('config') ?? '', 'base64').toString())).toEqual(config);
    }
  });

  it('in docs/hosts.md are those of the script', () => {
    expect(read('docs/hosts.md')).toContain(`\n\n${linkTable()}\n`);
  });

  it('start the package of this name', () => {
    for (const { vscode, cursor } of OFFERS)
      for (const { command, args } of [vscode, cursor])
        expect([command, ...args.slice(0, 2)]).toEqual(['npx', '-y', pack.name]);
  });
});
