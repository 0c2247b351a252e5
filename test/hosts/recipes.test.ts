import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { BIN, newWorkplace, ROOT } from '../cli/command.js';
import { fetchedPackages } from '../conformance/fetched-packages.mjs';
import { unavailable as noNewerNode } from '../conformance/newer-node.js';
import { startGeminiApi } from './gemini-api.js';
import { cachedPackages } from './host-cache.js';

const run = promisify(execFile);
const RECIPES = fileURLToPath(new URL('../fixtures/hosts/recipes/', import.meta.url));
const INSTALL_MS = 300_000;

const document = await readFile(join(ROOT, 'docs/hosts.md'), 'utf8');
const programs = new Map(
  [...document.matchAll(/```js\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(([, name = '', text = '']) => [name, text]),
);

interface Project {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A project with programs of the document, in which mcp-await and the packages of another folder are installed. */
async function newProject(
  names: readonly string[],
  { installed, uses = [] }: { readonly installed?: string; readonly uses?: readonly string[] } = {},
): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-recipe-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, '.bin'), { recursive: true });
  await symlink(BIN, join(modules, '.bin/mcp-await'));
  await symlink(ROOT, join(modules, 'mcp-await'));
  for (const name of uses) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(installed ?? '', 'node_modules', name), join(modules, name));
  }
  await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  for (const name of names) await writeFile(join(folder, name), programs.get(name) ?? '');
  return { folder, env: { ...process.env, MCP_AWAIT_HOME: join(folder, 'state') } };
}

async function output({ folder, env }: Project, file: string, node = process.execPath): Promise<string> {
  const path = `${dirname(node)}:${process.env.PATH}`;
  const { stdout } = await run(node, [file], { cwd: folder, env: { ...env, PATH: path }, timeout: 90_000 });
  return stdout;
}

it('knows every program of docs/hosts.md', () => {
  expect([...programs.keys()]).toEqual(['genai.js', 'genkit.js', 'activity.js', 'start.js', 'resume.js']);
});

const genai = '@google/genai@3.3.0';
it.skipIf(noNewerNode !== undefined).each([
  { title: 'as it stands', edit: (text: string) => text },
  {
    title: 'with a time-out of its own that is shorter than the job',
    edit: (text: string) => text.replace('mcpToTool(client)', 'mcpToTool(client, { timeout: 1000 })'),
  },
])(
  `genai.js has the result with ${genai} $title (${noNewerNode ?? 'fetched'})`,
  async ({ edit }) => {
    const { folder: installed, node } = await fetchedPackages([genai]);
    const project = await newProject(['genai.js'], { installed, uses: ['@google/genai'] });
    await writeFile(join(project.folder, 'genai.js'), edit(programs.get('genai.js') ?? ''));
    const url = await startGeminiApi();
    const env = { ...project.env, GEMINI_API_KEY: 'scripted', GOOGLE_GEMINI_BASE_URL: url };
    expect(await output({ ...project, env }, 'genai.js', node)).toMatch(/It says .*"slept_seconds":3/);
  },
  INSTALL_MS,
);

const genkit = cachedPackages('genkit-1.42.0', ['genkit@1.42.0']);
it.skipIf(genkit.unavailable !== undefined)(
  `genkit.js has the result as it stands (${genkit.unavailable ?? 'genkit 1.42.0'})`,
  async () => {
    genkit.install();
    const project = await newProject(['genkit.js'], { installed: genkit.folder, uses: ['genkit'] });
    await cp(join(RECIPES, 'genkit-model.js'), join(project.folder, 'model.js'));
    expect(await output(project, 'genkit.js')).toMatch(/It says .*"slept_seconds":3/);
  },
  INSTALL_MS,
);

const temporal = cachedPackages('temporal-1.24.0', [
  '@temporalio/activity@1.24.0',
  '@temporalio/testing@1.24.0',
]);
it.skipIf(temporal.unavailable !== undefined).each([
  { title: 'goes on after its worker was killed', isHeartbeatLost: false },
  { title: 'finds its job after its worker was killed before a heartbeat', isHeartbeatLost: true },
])(
  `activity.js $title, from one start (${temporal.unavailable ?? 'temporal 1.24.0'})`,
  async ({ isHeartbeatLost }) => {
    temporal.install();
    const uses = ['@temporalio/activity', '@temporalio/testing'];
    const project = await newProject(['activity.js'], { installed: temporal.folder, uses });
    const log = join(project.folder, 'starts.log');
    const env = { ...project.env, RENDER_LOG: log };
    const args = [BIN, 'serve', '--operations', join(RECIPES, 'logging-operations.js'), '--no-builtin'];
    await writeServer(project, { command: process.execPath, args, env });
    await cp(join(RECIPES, 'run-activity.js'), join(project.folder, 'run-activity.js'));
    const attempt = (heartbeat: unknown) =>
      spawn(
        process.execPath,
        [
          'run-activity.js',
          JSON.stringify(heartbeat ?? null),
          JSON.stringify({ name: 'render', arguments: { seconds: 4 } }),
        ],
        { cwd: project.folder, env, stdio: ['ignore', 'pipe', 'inherit'] },
      );

    const first = attempt(undefined);
    const { heartbeat } = await firstLine(first.stdout, 'heartbeat');
    first.kill('SIGKILL');
    await once(first, 'close');
    const second = attempt(isHeartbeatLost ? undefined : heartbeat);
    const { result } = await firstLine(second.stdout, 'result');
    expect(result).toMatchObject({ structuredContent: { rendered_seconds: 4 } });
    expect(await readFile(log, 'utf8')).toBe('start\n');
  },
  INSTALL_MS,
);

it('start.js and resume.js have the result, in processes of their own that end before the job', async () => {
  const project = await newProject(['start.js', 'resume.js']);
  const place = await newWorkplace();
  onTestFinished(() => place.remove());
  const log = join(project.folder, 'starts.log');
  const server = place.start(
    [
      ...['serve', '--http', '--port', '0'],
      ...['--operations', join(RECIPES, 'logging-operations.js'), '--no-builtin'],
    ],
    { env: { RENDER_LOG: log } },
  );
  await writeServer(project, (await server.says(/http:\/\/\S+\/mcp/))[0]);
  await cp(join(RECIPES, 'invoke.js'), join(project.folder, 'invoke.js'));
  const invoke = async (file: string, event: object) => {
    const words = ['invoke.js', file, JSON.stringify(event)];
    const { stdout } = await run(process.execPath, words, { cwd: project.folder, env: project.env });
    return JSON.parse(stdout) as { statusCode: number; body: string };
  };

  // Longer than two processes may take to start on a busy machine.
  const call = { name: 'render', arguments: { seconds: 20 } };
  const answers = [await invoke('start.js', { call })];
  while (answers.at(-1)?.statusCode === 202)
    answers.push(await invoke('resume.js', { body: answers.at(-1)?.body }));
  expect(answers.length).toBeGreaterThan(2);
  const last = answers.at(-1);
  expect(last?.statusCode).toBe(200);
  expect(JSON.parse(last?.body ?? '')).toMatchObject({ structuredContent: { rendered_seconds: 20 } });
  expect(await readFile(log, 'utf8')).toBe('start\n');
});

function writeServer({ folder }: Project, target: unknown): Promise<void> {
  return writeFile(join(folder, 'server.js'), `export const server = ${JSON.stringify(target)};\n`);
}

/** The first line of JSON that has this key. */
async function firstLine(
  stream: NodeJS.ReadableStream | null,
  key: string,
): Promise<Record<string, unknown>> {
  for await (const line of createInterface({ input: stream ?? process.stdin })) {
    const told = JSON.parse(line);
    if (key in told) return told;
  }
  throw new Error(`It ended without a ${key}.`);
}
