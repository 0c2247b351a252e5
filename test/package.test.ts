import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AWS_PACKAGES } from '../src/engine/dynamodb/packages.js';
import { sourceFiles } from './architecture/source-files.js';
import { ROOT } from './cli/command.js';

const run = promisify(execFile);

describe('the packed package in an empty project', () => {
  let project: string;
  let packedFiles: readonly string[];
  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'mcp-await-package-'));
    const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', project];
    const [packed] = JSON.parse((await run('npm', pack, { cwd: ROOT })).stdout);
    packedFiles = packed.files.map((file: { path: string }) => file.path);
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

  const runProgram = async (program: string) => {
    await writeFile(join(project, 'main.js'), program);
    return (await run(process.execPath, ['main.js'], { cwd: project })).stdout;
  };

  it('brings every document and example that it names', () => {
    const named = sourceFiles().flatMap(
      ({ text }) => text.match(/\b(?:docs|examples)\/[\w./-]+\.\w+/g) ?? [],
    );
    expect(named).toContain('docs/start-status-pairs.md');
    expect([...new Set(named)].filter(file => !packedFiles.includes(file))).toEqual([]);
  });

  it('brings no source map, since it brings no sources', async () => {
    expect(packedFiles.filter(file => file.endsWith('.map'))).toEqual([]);
    const entry = await readFile(join(project, 'node_modules/mcp-await/dist/index.js'), 'utf8');
    expect(entry).not.toContain('sourceMappingURL');
  });

  it('knows the errors of another copy of itself', async () => {
    await cp(
      join(project, 'node_modules/mcp-await'),
      join(project, 'node_modules/other/node_modules/mcp-await'),
      {
        recursive: true,
      },
    );
    const output = await runProgram(`
      import { AwaitError, ConfigurationError, isAwaitError } from 'mcp-await';
      import * as copy from './node_modules/other/node_modules/mcp-await/dist/index.js';
      const error = new copy.ConfigurationError('wrong');
      console.log(JSON.stringify([
        error instanceof AwaitError || error instanceof ConfigurationError,
        isAwaitError(error), isAwaitError(error, 'CONFIGURATION'), isAwaitError(error, 'ABORTED'),
        copy.isAwaitError(new ConfigurationError('wrong')),
      ]));`);
    expect(JSON.parse(output)).toEqual([false, true, true, false, true]);
  });

  it.each([
    ['ai-sdk', 'aiSdkTools', 'ai'],
    ['langchain', 'langchainTools', '@langchain/core'],
    ['mastra', 'mastraTools', '@mastra/core'],
    ['strands', 'strandsTools', '@strands-agents/sdk'],
  ])('says which package `mcp-await/%s` needs', async (subpath, make, peer) => {
    const output = await runProgram(`
      import { ${make} } from 'mcp-await/${subpath}';
      await ${make}({ tools: async () => [] }).catch(error => console.log(error.code, error.message));`);
    expect(output).toBe(
      `CONFIGURATION \`mcp-await/${subpath}\` needs packages that are not installed. Run \`npm install ${peer}\`.\n`,
    );
  });

  it('needs no package for `mcp-await/openai-agents`', async () => {
    const output = await runProgram(`
      import { openaiAgentsServer } from 'mcp-await/openai-agents';
      const server = await openaiAgentsServer({ tools: async () => [], getServerVersion: () => undefined });
      console.log(server.name);`);
    expect(output).toBe('mcp-await\n');
  });

  it('gives the library and the server', async () => {
    const output = await runProgram(`
      import { AwaitClient } from 'mcp-await';
      import { defineOperation, startServer } from 'mcp-await/server';
      console.log(typeof AwaitClient.connect, typeof defineOperation, typeof startServer);`);
    expect(output).toBe('function function function\n');
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
    ['dynamodb://tasks?queue=tasks', AWS_PACKAGES.join(' ')],
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

  it('says what `store create` needs, and prints the template without it', async () => {
    const create = ['store', 'create', '--store', 'dynamodb://tasks?queue=tasks'];
    const failed = run('node_modules/.bin/mcp-await', create, { cwd: project });
    await expect(failed).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: `A store on DynamoDB needs packages that are not installed. Run \`npm install ${AWS_PACKAGES.join(' ')}\`.\n`,
    });
    const { stdout } = await run('node_modules/.bin/mcp-await', [...create, '--cloudformation'], {
      cwd: project,
    });
    expect(JSON.parse(stdout).Resources.Table.Properties.TableName).toBe('tasks');
  });
});
