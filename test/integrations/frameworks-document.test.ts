import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../cli/command.js';
import { newerNode } from '../conformance/fetched-packages.mjs';
import { unavailable } from '../conformance/newer-node.js';

const run = promisify(execFile);

/** The newest releases, which need Node 22; those of package.json run on Node 20. */
const PACKAGES = [
  'langchain@1.5.14',
  '@langchain/core@1.4.0',
  '@langchain/langgraph@1.7.3',
  'ai@7.0.173',
  '@openai/agents@0.20.0',
  '@strands-agents/sdk@1.19.0',
  '@mastra/core@1.71.0',
  'zod@4',
  'typescript@7.0.2',
  '@types/node@22',
];

/** The type of each `model.js`. */
const models: Readonly<Record<string, string>> = {
  'langchain.ts': "import('@langchain/core/language_models/chat_models').BaseChatModel",
  'ai-sdk.ts': "import('ai').LanguageModel",
  'openai-agents.ts': "import('@openai/agents').Model",
  'strands.ts': "import('@strands-agents/sdk').Model",
  'mastra.ts': "import('@mastra/core/llm').MastraModelConfig",
  'background.ts': "import('@langchain/core/language_models/chat_models').BaseChatModel",
};

const STRICT = [
  ...['--ignoreConfig', '--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext'],
  ...['--types', 'node', '--lib', 'es2024,esnext.disposable,dom,dom.asynciterable'],
];

/** What each program must print. */
const outputs: Readonly<Record<string, RegExp>> = {
  'langchain.ts': /It says \{"slept_seconds":3\}/,
  'ai-sdk.ts': /type: 'tool-progress'[\s\S]*It says .*slept_seconds/,
  'openai-agents.ts': /It says .*slept_seconds/,
  'strands.ts': /It says .*slept_seconds/,
  'mastra.ts': /type: 'tool-progress'[\s\S]*It says .*slept_seconds/,
  'background.ts':
    /It says sleep goes on in the background as (\w+)\.[\s\S]*It says The result of sleep \(\1\):\n\{"slept_seconds":3\}/,
};

const document = await readFile(join(ROOT, 'docs/frameworks.md'), 'utf8');
const programs = [...document.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(
  ([, name = '', text = '']) => ({ name, text }),
);

it('names every program of docs/frameworks.md', () => {
  expect(programs.map(({ name }) => name)).toEqual(Object.keys(outputs));
});

describe.skipIf(unavailable !== undefined)(
  'in the packed package, with the newest release of its framework,',
  () => {
    let project: string;
    beforeAll(async () => {
      project = await mkdtemp(join(tmpdir(), 'mcp-await-frameworks-'));
      const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', project];
      const [packed] = JSON.parse((await run('npm', pack, { cwd: ROOT })).stdout);
      await writeFile(join(project, 'package.json'), '{"private":true,"type":"module"}');
      const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', '--no-engine-strict'];
      // Their peers contradict each other where nothing of them is used here.
      const install = [
        'install',
        ...quiet,
        '--legacy-peer-deps',
        join(project, packed.filename),
        ...PACKAGES,
      ];
      await run('npm', install, { cwd: project });
    }, 300_000);
    afterAll(() => rm(project, { recursive: true, force: true, maxRetries: 5 }));

    /** Lays a program and its model into a folder of their own; answers with the program. */
    async function lay(folder: string, { name, text }: { name: string; text: string }): Promise<string> {
      await mkdir(folder, { recursive: true });
      const file = join(folder, name);
      const model = name.replace('.ts', '.js');
      await writeFile(file, text);
      await writeFile(join(folder, 'model.d.ts'), `export declare const model: ${models[name]};\n`);
      await cp(join(ROOT, 'test/fixtures/integrations/models', model), join(folder, 'model.js'));
      return file;
    }

    async function output(file: string): Promise<string> {
      const node = await newerNode();
      const env = {
        ...process.env,
        PATH: `${dirname(node)}:${process.env.PATH}`,
        MCP_AWAIT_HOME: join(dirname(file), 'state'),
      };
      // Node 22.18 and newer run TypeScript as it is.
      const { stdout, stderr } = await run(node, [file], { cwd: dirname(file), env, timeout: 60_000 });
      return `${stderr}\n${stdout}`;
    }

    const compile = (files: readonly string[], flags: readonly string[] = []) =>
      run(process.execPath, ['node_modules/typescript/bin/tsc', ...STRICT, ...flags, ...files], {
        cwd: project,
      });

    // Each waits for its task.
    it.concurrent.each(programs)('$name runs as it stands', async program => {
      const file = await lay(join(project, program.name), program);
      expect(await output(file)).toMatch(outputs[program.name] ?? /./);
    });

    it.concurrent('ai-sdk.ts runs with ai 6, too', async () => {
      const older = join(project, 'with-ai-6');
      await mkdir(older);
      await writeFile(join(older, 'package.json'), '{"private":true,"type":"module"}');
      const [packed] = (await readdir(project)).filter(name => name.endsWith('.tgz'));
      const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'];
      await run('npm', ['install', ...quiet, join(project, packed ?? ''), 'ai@6', 'zod@4'], { cwd: older });
      const [program] = programs.filter(({ name }) => name === 'ai-sdk.ts');
      const file = await lay(older, program ?? { name: '', text: '' });
      expect(JSON.parse(await readFile(join(older, 'node_modules/ai/package.json'), 'utf8')).version).toMatch(
        /^6\./,
      );
      expect(await output(file)).toMatch(outputs['ai-sdk.ts'] ?? /./);
    }, 180_000);

    describe('in strict mode', () => {
      // The declarations of Mastra 1.71 import names that they do not have.
      const lax = ['mastra.ts'];
      /** What the compiler says of each program: most of what it reads belongs to all. */
      const said = new Map<string, string>();
      beforeAll(async () => {
        const checked = async (names: readonly string[], flags: readonly string[] = []) => {
          const those = programs.filter(({ name }) => names.includes(name));
          const files = await Promise.all(
            those.map(program => lay(join(project, 'typed', program.name), program)),
          );
          const output = await compile(files, flags).then(
            () => '',
            ({ stdout, stderr }) => `It does not fit: ${stdout}${stderr}`,
          );
          for (const name of names) said.set(name, output);
        };
        await checked(programs.map(({ name }) => name).filter(name => !lax.includes(name)));
        await checked(lax, ['--skipLibCheck']);
      });

      it.each(programs)('$name fits the types of its framework', ({ name }) => {
        expect(said.get(name)).toBe('');
      });
    });

    it('none fits the types with a name that is misspelled', async () => {
      const misspelled = programs.map(({ name, text }) => ({
        name,
        text: text.replace('AwaitClient.connect(', 'AwaitClient.connectt('),
      }));
      const files = misspelled.map(program => lay(join(project, 'misspelled', program.name), program));
      const failure = await compile(await Promise.all(files), ['--skipLibCheck']).catch(error => error);
      for (const { name } of programs) expect(failure.stdout).toMatch(new RegExp(`/${name}\\(.*connectt`));
    });

    it('the examples fit the types of the package in strict mode', async () => {
      const folder = join(project, 'examples');
      await cp(join(ROOT, 'examples'), folder, { recursive: true });
      const files = (await readdir(folder)).filter(name => name.endsWith('.ts'));
      expect(files.length).toBeGreaterThan(7);
      await compile(files.map(name => join(folder, name)));
    });
  },
);
