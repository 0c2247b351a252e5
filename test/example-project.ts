import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './cli/command.js';

/** A project with sources, in which mcp-await is installed. In a clone, `npx mcp-await` would build the clone again. */
export interface ExampleProject {
  readonly folder: string;
  /** Runs an example as it is. @returns what it prints */
  run(file: string): Promise<string>;
  remove(): Promise<void>;
}

export async function newExampleProject(): Promise<ExampleProject> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-examples-'));
  await mkdir(join(folder, 'node_modules/.bin'), { recursive: true });
  await symlink(join(ROOT, 'bin/mcp-await.js'), join(folder, 'node_modules/.bin/mcp-await'));
  await mkdir(join(folder, 'src'));
  await writeFile(join(folder, 'src/index.js'), 'export {};');
  await writeFile(join(folder, 'package.json'), '{"private":true}');
  return {
    folder,
    async run(file) {
      const options = { cwd: folder, env: { ...process.env, MCP_AWAIT_HOME: join(folder, 'state') } };
      return (await promisify(execFile)(process.execPath, [join(ROOT, 'examples', file)], options)).stdout;
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
