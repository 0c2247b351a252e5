import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BIN, type Finished, initiate, newWorkplace, ROOT, type Workplace } from './command.js';
import { connectServe } from './served.js';

const OWN = 'examples/own-operations.js';
const SLOW_SERVER = join(ROOT, 'test/fixtures/server/slow-server.js');

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

/** `run initiate_background_task` of one operation, through a server that is started with `args` as its process. */
function runThrough(args: readonly string[], operation: string, parameters: object): Promise<Finished> {
  return place.run([
    ...initiate(operation, parameters),
    ...['--json', '--', process.execPath, BIN, 'serve', '--store', `sqlite:${place.home}/tasks.db`, ...args],
  ]);
}

/** A function that runs one operation through a server in this process. */
async function serverHere(...args: readonly string[]) {
  const server = await place.serveHere('--offer-sleep', ...args);
  return (operation: string, parameters: object) =>
    place.run([...initiate(operation, parameters), '--json', ...server]);
}

describe("a user's own operations", () => {
  it('run, next to the built-in ones', async () => {
    const cake = await runThrough(['--operations', OWN], 'bake_cake', { flavour: 'lemon', layers: 2 });
    expect(cake.code).toBe(0);
    expect(JSON.parse(cake.stdout)).toMatchObject({
      status: 'completed',
      result: { structuredContent: { cake: 'lemon cake of 2 layers' } },
    });
    expect((await runThrough(['--operations', OWN], 'sleep', { seconds: 0 })).code).toBe(0);
  });

  it('run alone with --no-builtin', async () => {
    const run = await serverHere('--operations', OWN, '--no-builtin');
    expect((await run('bake_cake', { flavour: 'lemon', layers: 2 })).code).toBe(0);
    const { code, stdout } = await run('sleep', { seconds: 0 });
    expect(code).toBe(1);
    expect(stdout).toMatch(/bake_cake/);
    expect(stdout).not.toMatch(/hash_tree|mcp_tool/);
  });

  it('are missing: --no-builtin says what it goes with', async () => {
    for (const args of [['serve'], ['serve', '--http', '--port', '0'], ['worker']]) {
      const { code, stderr } = await place.run([...args, '--no-builtin']);
      expect(stderr).toMatch(/^There is nothing to offer: --no-builtin .* goes with --operations FILE\.\n$/);
      expect(code).toBe(2);
    }
  });

  it('are served in good order to a client that leaves at once', async () => {
    const { code, stderr } = await place.run(['serve', '--operations', join(ROOT, OWN)]);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('fail with their own code', async () => {
    const run = await serverHere('--operations', OWN);
    const { code, stdout } = await run('bake_cake', { flavour: 'concrete', layers: 2 });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'failed',
      error: { code: 'NOT_EDIBLE', message: 'Nobody eats concrete.' },
    });
  });

  it('are refused parameters that do not fit', async () => {
    const run = await serverHere('--operations', OWN);
    const { code, stdout } = await run('bake_cake', { flavour: 'lemon', layers: 11 });
    expect(code).toBe(1);
    expect(stdout).toMatch(/INVALID_PARAMETERS.*layers/);
  });
});

describe('an operations file that is not usable is one line and exit code 2, and no hang for a client', () => {
  it.each<[string, string, RegExp]>([
    ['that throws', 'throw new Error("no luck")', /failed to load: no luck/],
    ['with a syntax error', 'export const operations = [', /failed to load: Unexpected/],
    ['that exports nothing', 'export const ops = []', /exports no operations/],
    ['that exports no operation', 'export default [{ name: "x" }]', /Entry 1 is no operation/],
    ['that imports what is not there', 'import "no-such-package"', /failed to load: .*no-such-package/],
  ])('%s', async (_case, source, message) => {
    const file = join(place.home, 'operations.mjs');
    await writeFile(file, source);
    const args = ['serve', '--operations', file];
    const alone = await place.run(args);
    expect(alone.stderr).toMatch(message);
    expect(alone.stderr).toMatch(/^[^\n]+\n$/);
    expect(alone).toMatchObject({ code: 2, stdout: '' });
    const connected = place.start(args);
    onTestFinished(() => void connected.process.kill('SIGTERM'));
    expect(await connected.finished).toEqual(alone);
  });

  it('that never finishes loading', async () => {
    const file = join(place.home, 'operations.mjs');
    await writeFile(file, 'await new Promise(() => {});');
    for (const args of [['serve'], ['serve', '--http', '--port', '0'], ['worker']]) {
      const { code, stderr } = await place.start([...args, '--operations', file], { input: '' }).finished;
      expect(stderr).toMatch(/failed to load: it awaits at its top level what never comes\n$/);
      expect(code).toBe(2);
    }
  });

  it('that is not there: the client is told what the server said', async () => {
    const { code, stdout, stderr } = await place.run([
      ...initiate('sleep'),
      ...['--', process.execPath, BIN, 'serve', '--operations', 'missing.js'],
    ]);
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
    expect(stderr).toMatch(
      /ended with exit code 2 before it answered `initialize`[\s\S]*Cannot find the operations file .*missing\.js\n$/,
    );
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe('mcp_tool', () => {
  const notes = () => join(place.home, 'notes');
  beforeEach(async () => {
    const slow = { command: process.execPath, args: [SLOW_SERVER, notes()] };
    const mcpServers = { slow, absent: { command: 'no-such-command' } };
    await writeFile(join(place.home, '.mcp.json'), JSON.stringify({ mcpServers }));
  });

  function run(parameters: object): Promise<Finished> {
    return place.run([...initiate('mcp_tool', parameters), '--json'], { cwd: place.home });
  }

  it('makes a slow synchronous tool a background task', async () => {
    const { code, stdout } = await run({ server: 'slow', tool: 'greet', arguments: { name: 'Ada' } });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'completed',
      protocol: 'tool-pair',
      result: { content: [{ text: 'Hello Ada' }], structuredContent: { greeting: 'Hello Ada' } },
    });
  });

  it.each<[string, object, RegExp]>([
    ['a tool that fails', { server: 'slow', tool: 'broken' }, /TOOL_ERROR.*no luck/],
    ['an unknown tool', { server: 'slow', tool: 'greed' }, /greed/],
    ['an unknown server', { server: 'fast', tool: 'greet' }, /INVALID_PARAMETERS.*one of slow, absent/],
    [
      'a server that cannot be started',
      { server: 'absent', tool: 'greet' },
      /SERVER_UNAVAILABLE.*no-such-command/,
    ],
    ['a command of the caller', { server: 'slow', tool: 'greet', command: 'id' }, /greet/],
  ])('%s fails the task', async (_case, parameters, message) => {
    const runHere = await serverHere('--config', join(place.home, '.mcp.json'));
    const { code, stdout } = await runHere('mcp_tool', parameters);
    expect(code).toBe(1);
    expect(stdout).toMatch(message);
  });

  it('hands a cancel on to the call', async () => {
    const caller = await connectServe(place, [], place.home);
    const { data } = await caller.initiate('mcp_tool', { server: 'slow', tool: 'forever' });
    const noted = (text: string) =>
      vi.waitFor(async () => expect(await readFile(notes(), 'utf8').catch(() => '')).toBe(text), 20_000);
    await noted('started\n');
    expect((await caller.cancel(data.task_ref)).data.status).toBe('cancelled');
    await noted('started\naborted\n');
  });
});

describe('http_request', () => {
  async function startApi(): Promise<string> {
    const api = createServer((request, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ path: request.url }));
    });
    await new Promise<void>(resolve => api.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void api.close());
    return `http://127.0.0.1:${(api.address() as AddressInfo).port}/v1?q=1`;
  }

  it('reaches a loopback address with --allow-private only', async () => {
    const url = await startApi();
    const allowed = await (await serverHere('--allow-private'))('http_request', { url });
    expect(allowed.code).toBe(0);
    expect(JSON.parse(allowed.stdout).result.structuredContent).toMatchObject({
      status: 200,
      json: { path: '/v1?q=1' },
    });
    const refused = await (await serverHere())('http_request', { url });
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(/--allow-private/);
  });
});

describe('hash_tree', () => {
  it('reads under each --root, and nowhere else', async () => {
    const [one, other, outside] = ['one', 'other', 'outside'].map(name => join(place.home, name));
    for (const folder of [one, other, outside]) {
      await mkdir(join(folder as string, 'data'), { recursive: true });
      await writeFile(join(folder as string, 'data', 'file'), 'text');
    }
    const roots = ['--root', one as string, '--root', other as string];
    const run = await serverHere(...roots);
    const relative = await run('hash_tree', { path: 'data/file' });
    expect(JSON.parse(relative.stdout).result.structuredContent).toMatchObject({
      digest: '982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1',
    });
    expect((await run('hash_tree', { path: join(other as string, 'data') })).code).toBe(0);
    for (const path of [outside as string, '../outside', place.home]) {
      const { code, stdout } = await run('hash_tree', { path });
      expect(code).toBe(1);
      expect(stdout).toMatch(/--root/);
    }
  });
});
