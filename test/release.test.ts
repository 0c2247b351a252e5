import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './cli/command.js';
import { fetchedNode } from './conformance/fetched-packages.mjs';
import { OLDEST_OWN_SQLITE, unavailable } from './conformance/newer-node.js';
import { startRegistry } from './fixtures/npm-registry.js';

const run = promisify(execFile);
const MAX_INSTALLED_KB = 45 * 1024;
const isOwnSqlite = Number.parseInt(process.versions.node, 10) >= 24;

describe.skipIf(unavailable !== undefined)('what is published', () => {
  let place: string;
  let node24: string;
  let registry: { readonly url: string; close(): void };

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'mcp-await-release-test-'));
    node24 = await fetchedNode(OLDEST_OWN_SQLITE);
    const { stdout } = await run(process.execPath, ['release/pack.js', place], { cwd: ROOT });
    const packed = stdout.trim().split('\n');
    const manifests = await Promise.all(
      packed.map(file => run('tar', ['-xzOf', file, 'package/package.json'])),
    );
    const elsewhere = (await run('npm', ['config', 'get', 'registry'])).stdout.trim();
    registry = await startRegistry(
      packed.map((file, index) => ({ file, manifest: JSON.parse(manifests[index]?.stdout ?? '') })),
      elsewhere,
    );
  }, 600_000);
  afterAll(async () => {
    registry?.close();
    await rm(place, { recursive: true, force: true, maxRetries: 5 });
  });

  /** A project in which a Node has installed the package. */
  const install = async (node: string, name: string) => {
    const project = join(place, name);
    await mkdir(project);
    await writeFile(join(project, 'package.json'), '{"private":true,"type":"module"}');
    const npm = await realpath((await run('which', ['npm'])).stdout.trim());
    const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--registry', registry.url];
    const { stderr } = await run(node, [npm, 'install', ...flags, 'mcp-await'], { cwd: project });
    expect(stderr).toBe('');
    return project;
  };
  const command = (node: string, project: string, ...args: readonly string[]) =>
    run(node, ['node_modules/mcp-await/bin/mcp-await.js', ...args], {
      cwd: project,
      env: {
        ...process.env,
        MCP_AWAIT_HOME: join(place, 'state'),
        PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
      },
    });
  const hashTree = ['run', 'hash_tree', '--arg', 'path=package.json', '--quiet'];

  it('takes at most 45 MB on Node 24, and runs there without a word from Node', async () => {
    const project = await install(node24, 'node-24');
    expect(existsSync(join(project, 'node_modules/libsql'))).toBe(false);
    expect(existsSync(join(project, 'node_modules/mcp-await-libsql'))).toBe(false);
    const { stdout } = await run('du', ['-sk', 'node_modules'], { cwd: project });
    expect(Number.parseInt(stdout, 10)).toBeLessThanOrEqual(MAX_INSTALLED_KB);
    const finished = await command(node24, project, ...hashTree);
    expect(JSON.parse(finished.stdout)).toMatchObject({ files: 1 });
    expect(finished.stderr).not.toMatch(/warning/i);
  });

  it.skipIf(isOwnSqlite)('brings libsql on this Node, and reads the files of the other driver', async () => {
    const project = await install(process.execPath, 'this-node');
    expect(existsSync(join(project, 'node_modules/mcp-await-libsql'))).toBe(true);
    expect(JSON.parse((await command(process.execPath, project, ...hashTree)).stdout)).toMatchObject({
      files: 1,
    });
    const listed = async (node: string, name: string) =>
      JSON.parse((await command(node, join(place, name), 'list', '--all', '--json')).stdout) as unknown[];
    const jobs = await listed(process.execPath, 'this-node');
    expect(jobs).toHaveLength(2);
    expect(await listed(node24, 'node-24')).toEqual(jobs);
  });

  it.skipIf(isOwnSqlite)('says what to install where no driver is there', async () => {
    const project = join(place, 'this-node');
    for (const name of ['libsql', 'mcp-await-libsql'])
      await rm(join(project, 'node_modules', name), { recursive: true });
    await expect(command(process.execPath, project, 'list')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^SQLite is missing: Node \S+ has none that is used here, .*Run `npm install libsql`, or use Node 24 or later\.\n$/,
      ),
    });
  });
});
