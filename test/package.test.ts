import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './cli/command.js';

const run = promisify(execFile);

describe('the packed package in an empty project', () => {
  let project: string;
  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'mcp-await-package-'));
    const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', project];
    const [packed] = JSON.parse((await run('npm', pack, { cwd: ROOT })).stdout);
    await writeFile(join(project, 'package.json'), '{"private":true,"type":"module"}');
    const install = [
      'install',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      join(project, packed.filename),
    ];
    await run('npm', install, { cwd: project });
  }, 180_000);
  afterAll(() => rm(project, { recursive: true, force: true, maxRetries: 5 }));

  it('gives the library and the server', async () => {
    await writeFile(
      join(project, 'main.js'),
      `import { AwaitClient } from 'mcp-await';
       import { defineOperation, startServer } from 'mcp-await/server';
       console.log(typeof AwaitClient.connect, typeof defineOperation, typeof startServer);`,
    );
    expect((await run(process.execPath, ['main.js'], { cwd: project })).stdout).toBe(
      'function function function\n',
    );
  });

  it('reads a settings file that uses its defineConfig, and brings the schema that editors need', async () => {
    await writeFile(
      join(project, 'mcp-await.config.mjs'),
      `import { defineConfig } from 'mcp-await/server';
       export default defineConfig({ execution: { maxConcurrency: 7 } });`,
    );
    const { stdout } = await run('node_modules/.bin/mcp-await', ['config', '--json'], { cwd: project });
    expect(JSON.parse(stdout).settings.execution.maxConcurrency).toEqual({ value: 7, source: 'file' });
    const schema = join(project, 'node_modules/mcp-await/schema/mcp-await.config.schema.json');
    expect(JSON.parse(await readFile(schema, 'utf8'))).toMatchObject({ type: 'object' });
  });

  it('runs a real job from its bin', async () => {
    const args = JSON.stringify({ operation_type: 'hash_tree', parameters: { path: 'package.json' } });
    const { stdout } = await run(
      'node_modules/.bin/mcp-await',
      ['run', 'initiate_background_task', '--args', args],
      {
        cwd: project,
        env: { ...process.env, MCP_AWAIT_HOME: join(project, 'state') },
      },
    );
    expect(JSON.parse(stdout)).toMatchObject({ path: 'package.json', files: 1 });
  });

  it.each([
    ['redis://127.0.0.1:1', 'bullmq ioredis'],
    ['postgres://127.0.0.1:1/tasks', 'bullmq ioredis pg'],
  ])('says in one line which packages the store %s needs', async (store, packages) => {
    for (const command of ['stats', 'worker']) {
      const failed = run('node_modules/.bin/mcp-await', [command, '--store', store], { cwd: project });
      await expect(failed).rejects.toMatchObject({
        code: 2,
        stdout: '',
        stderr: `This kind of store needs packages that are not installed. Run \`npm install ${packages}\`.\n`,
      });
    }
  });
});
