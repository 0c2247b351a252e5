import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { openEngine } from '../src/engine/open-engine.js';
import type { TaskRecord } from '../src/engine/task-record.js';
import { operationsByName } from '../src/server/operation.js';
import { builtInOperations } from '../src/server/operations/index.js';
import { createExecute } from '../src/server/runner.js';
import { startServer } from '../src/server/start-server.js';
import { createTaskService } from '../src/server/task-service.js';
import { BIN, initiate, newWorkplace, ROOT, type Workplace } from './cli/command.js';
import { type ExampleProject, newExampleProject } from './example-project.js';
import { authorizingServer } from './fixtures/client/authorizing-server.js';

const run = promisify(execFile);

let place: Workplace;
let home: string;
let project: ExampleProject;
beforeAll(async () => {
  place = await newWorkplace();
  home = place.home;
  project = await newExampleProject();
});
afterAll(async () => {
  await place.remove();
  await project.remove();
});

/** What each example must print; one that checks itself ends with an error where it is not so. */
const outputs: Record<string, RegExp> = {
  'quick-start.js': /slept_seconds: 3/,
  'custom-loop.js': /The digest is [0-9a-f]{64}\.\n$/,
  'stop-and-resume.js': /left \{"version":1[\s\S]*completed[\s\S]*slept_seconds: 2/,
};

it.each(Object.entries(outputs))('%s runs as it is', async (file, output) => {
  expect(await project.run(file)).toMatch(output);
});

it('patience.config.json is a settings file that bounds a wait to 20 requests', async () => {
  const { stdout } = await place.run(['config', '--settings', 'examples/patience.config.json', '--json']);
  expect(JSON.parse(stdout).settings.polling).toMatchObject({
    initialIntervalMs: { value: 1000, source: 'file' },
    maxIntervalMs: { value: 30_000, source: 'file' },
    backoffMultiplier: { value: 2, source: 'file' },
    maxAttempts: { value: 20, source: 'file' },
  });
});

it('own-operations.js is served by mcp-await serve', async () => {
  const server = ['--', process.execPath, BIN, 'serve', '--operations', 'examples/own-operations.js'];
  const { stdout } = await place.run([...initiate('bake_cake', { flavour: 'plum', layers: 2 }), ...server]);
  expect(JSON.parse(stdout)).toEqual({ cake: 'plum cake of 2 layers' });
});

it('receive-webhook.js believes a signed message of mcp-await serve, once, and nothing else', async () => {
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const env = { ...process.env, MCP_AWAIT_WEBHOOK_SECRET: secret, PORT: '0' };
  const receiver = spawn(process.execPath, ['examples/receive-webhook.js'], { cwd: ROOT, env });
  onTestFinished(() => void receiver.kill());
  let printed = '';
  receiver.stdout.on('data', chunk => {
    printed += chunk;
  });
  const prints = (pattern: RegExp) =>
    vi.waitFor(() => pattern.exec(printed) ?? Promise.reject(new Error(printed)), { timeout: 20_000 });
  const url = (await prints(/Listening on (\S+)\n/))[1] ?? '';
  expect((await fetch(url, { method: 'POST', body: '{"type":"task.completed"}' })).status).toBe(401);

  const parameters = { operation_type: 'sleep', parameters: { seconds: 0 }, webhook_url: url };
  const file = join(home, 'webhook-secret');
  await writeFile(file, `${secret}\n`);
  const flags = ['--webhook-secret-file', file, '--webhook-allow-private', '--webhook-allow-http'];
  const server = await place.serveHere('--offer-sleep', ...flags);
  await place.run(['run', 'initiate_background_task', '--args', JSON.stringify(parameters), ...server]);
  await prints(/task\.completed \{"slept_seconds":0\}\n/);
  expect(printed.match(/task\./g)).toHaveLength(1);
});

it('ask-a-person.js deletes what a person agrees to, and nothing else', async () => {
  const { operations } = await import('../examples/ask-a-person.js');
  const engine = await openEngine('memory:');
  onTestFinished(() => engine.close());
  const webhooks = { isOpen: false, accept: (url: string) => url, announce: async () => {} };
  const tasks = createTaskService({ engine, operations: operationsByName(operations), webhooks });
  engine.startWorker({ execute: createExecute(operations), operations: ['delete_file'], concurrency: 1 });
  async function deleteFile(name: string, confirm: boolean): Promise<TaskRecord> {
    const path = join(home, name);
    await writeFile(path, 'four');
    const request = { operationType: 'delete_file', parameters: { path } };
    let record = await tasks.initiate('ada', request);
    const { taskRef } = record;
    while (record.inputRequests === undefined) {
      record = await tasks.waitForChange('ada', taskRef, { known: record, timeoutMs: 20_000 });
    }
    const [key = '', asked] = Object.entries(record.inputRequests)[0] ?? [];
    expect(asked?.params.message).toBe(`Delete ${name} of 4 bytes?`);
    const content = { confirm, reason: 'old' };
    await tasks.answer('ada', taskRef, { [key]: { action: 'accept', content } });
    return tasks.resolve('ada', taskRef, { waitMs: 20_000, signal: new AbortController().signal });
  }
  expect((await deleteFile('kept.txt', false)).result).toEqual({ deleted: false });
  expect((await deleteFile('gone.txt', true)).result).toEqual({ deleted: true, reason: 'old' });
  const files = await readdir(home);
  expect(files).toContain('kept.txt');
  expect(files).not.toContain('gone.txt');
});

it('authorize.js sends somebody to the browser, and then calls the tool', async () => {
  const upstream = await startServer({
    store: 'memory:',
    operations: builtInOperations(),
    http: { port: 0 },
  });
  onTestFinished(() => upstream.close(0));
  const { url } = await authorizingServer(upstream.url ?? '');
  const env = { ...process.env, MCP_URL: url, CALLBACK_PORT: '0' };
  const program = spawn(process.execPath, ['examples/authorize.js'], { cwd: ROOT, env });
  onTestFinished(() => void program.kill());
  let printed = '';
  for (const stream of [program.stdout, program.stderr])
    stream.on('data', chunk => {
      printed += chunk;
    });
  const exited = new Promise(resolve => program.once('exit', resolve));
  const link = () => /^Open (\S+)$/m.exec(printed)?.[1] ?? Promise.reject(new Error(printed));
  const page = await fetch(await vi.waitFor(link, { timeout: 20_000 }));
  expect(await page.text()).toBe('You may close this page.');
  expect([await exited, printed]).toEqual([0, expect.stringContaining('slept_seconds: 1')]);
});

it('every example in JavaScript is the one in TypeScript without its types', async () => {
  const folder = join(ROOT, 'examples');
  const sources = (await readdir(folder)).filter(file => file.endsWith('.ts'));
  const compiler =
    'node_modules/typescript/bin/tsc --noCheck --ignoreConfig --target es2023 --module nodenext';
  const words = [...compiler.split(' '), '--rootDir', folder, '--outDir', home];
  await run(process.execPath, [...words, ...sources.map(file => join(folder, file))], { cwd: ROOT });
  const scripts = (await readdir(folder)).filter(file => file.endsWith('.js'));
  expect(scripts).toEqual(sources.map(file => file.replace('.ts', '.js')));
  for (const file of scripts)
    expect(withoutLayout(await readFile(join(folder, file), 'utf8')), file).toBe(
      withoutLayout(await readFile(join(home, file), 'utf8')),
    );
});

/** Leaves out what a compiler and a formatter lay out differently. */
function withoutLayout(code: string): string {
  return code
    .replace(/\s+/g, '')
    .replace(/,(?=[)\]}])/g, '')
    .replace(/\((\w+)\)=>/g, '$1=>');
}

it('every example is run', async () => {
  const files = (await readdir(join(ROOT, 'examples'))).filter(file => file.endsWith('.js'));
  expect(files.toSorted()).toEqual(
    [
      ...Object.keys(outputs),
      'ask-a-person.js',
      'authorize.js',
      // In test/integrations/.
      'langgraph.js',
      'own-operations.js',
      'receive-webhook.js',
    ].toSorted(),
  );
});
