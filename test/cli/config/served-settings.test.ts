import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { initiate, newWorkplace, type Workplace } from '../command.js';

let place: Workplace;
let cwd: string;
beforeEach(async () => {
  place = await newWorkplace();
  cwd = await mkdtemp(join(place.home, 'work-'));
});
afterEach(() => place.remove());

const configure = (settings: object) =>
  writeFile(join(cwd, 'mcp-await.config.json'), JSON.stringify(settings));

it('serve hears the file, the environment over it, and flags over both; run takes its pace from the file', async () => {
  await configure({
    server: { transport: 'http', port: 1, roots: ['.'], offerSleep: true },
    state: { provider: 'sqlite:own.db' },
    polling: { deadlineMs: 2000 },
  });
  // Port 1 would need root or fail; the environment says any free one.
  const server = place.start(['serve', '--concurrency', '1'], { cwd, env: { MCP_AWAIT_SERVER_PORT: '0' } });
  const url = (await server.says(/Listening on (\S+)/))[1] ?? '';
  const hashed = await place.run(
    [...initiate('hash_tree', { path: 'mcp-await.config.json' }), '--url', url, '--timeout', 'off'],
    { cwd },
  );
  expect(JSON.parse(hashed.stdout)).toMatchObject({ files: 1 });
  // The server ends once the task has.
  const impatient = await place.run([...initiate('sleep', { seconds: 5 }), '--url', url], { cwd });
  expect(impatient).toMatchObject({ code: 3, stderr: expect.stringMatching(/after 2 s \(`deadlineMs`/) });
  const stats = await place.run(['stats', '--json'], { cwd });
  expect(JSON.parse(stats.stdout).operations).toHaveLength(2);
});

it('the bundled server of run serves standard streams, whatever the settings say, and hears the rest', async () => {
  await configure({ server: { transport: 'http', roots: ['/nowhere'] } });
  const elsewhere = join(place.home, 'other.json');
  await writeFile(elsewhere, JSON.stringify({ server: { transport: 'http', roots: [cwd] } }));
  const hash = initiate('hash_tree', { path: join(cwd, 'mcp-await.config.json') });
  expect(await place.run(hash, { cwd })).toMatchObject({ code: 1 });
  expect(await place.run([...hash, '--settings', elsewhere], { cwd })).toMatchObject({ code: 0 });
});

it('the bundled server bounds what calls ask for as the settings say', async () => {
  await configure({ state: { ttlSeconds: 60, maxTtlSeconds: 60 } });
  const request = { operation_type: 'sleep', parameters: { seconds: 0 }, ttl_seconds: 61 };
  const { code, stderr } = await place.run(
    ['run', 'initiate_background_task', '--args', JSON.stringify(request)],
    { cwd },
  );
  expect(stderr).toMatch(/for 60 to 60 seconds, `ttl_seconds` asks for 61/);
  expect(code).toBe(1);
});

it.each([['run', 'sleep'], ['serve'], ['worker'], ['stats'], ['config']])(
  '%s refuses settings that are wrong',
  async (...args) => {
    await configure({ server: { prot: 1 } });
    const { code, stdout, stderr } = await place.run(args, { cwd });
    expect(stderr).toMatch(/^\S+mcp-await\.config\.json: server\.prot: .*did you mean `server\.port`\?\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  },
);
