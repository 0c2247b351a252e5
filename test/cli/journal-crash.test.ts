import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Command, newWorkplace, type Running, type Workplace } from './command.js';
import { type HoldingProxy, startHoldingProxy } from './holding-proxy.js';

const START = 'initiate_background_task';
const OPERATIONS = ['--operations', 'test/fixtures/server/slow-tally-operations.js'];

let place: Workplace;
let proxy: HoldingProxy;
let server: Running;
let tally: string;

beforeEach(async () => {
  place = await newWorkplace();
  tally = join(place.home, 'tally.txt');
  server = place.startHere(['serve', '--http', '--port', '0', ...OPERATIONS]);
  const [, url = ''] = await server.says(/Listening on (\S+)/);
  proxy = await startHoldingProxy(url);
}, 30_000);

afterEach(async () => {
  await proxy.close();
  await place.remove();
});

function run({ seconds = 0, letters = 3 } = {}): string[] {
  const parameters = { file: tally, seconds, letters };
  const args = JSON.stringify({ operation_type: 'slow_tally', parameters });
  return ['run', START, '--args', args, '--idempotency-key', 'order-1', '--url', proxy.url];
}

async function kill(command: Command): Promise<void> {
  command.process.kill('SIGKILL');
  await command.finished;
}

interface Listed {
  readonly id: string;
  readonly state: string;
  readonly status: string;
}

async function list(): Promise<readonly Listed[]> {
  return JSON.parse((await place.run(['list', '--all', '--json'])).stdout);
}

const answer = (letters: number) => `{"letters":"${'x'.repeat(letters)}"}\n`;

describe('a run that is killed, and run again with the same key, is one execution with one result', () => {
  it.each(['call', 'answer'] as const)('while its %s is on the way', async where => {
    proxy.hold(START, where);
    const killed = place.start(run());
    await proxy.held();
    expect(await list()).toMatchObject([{ state: 'starting', status: 'starting' }]);
    await kill(killed);
    proxy.letThrough();
    expect(await place.run(run())).toMatchObject({ code: 0, stdout: answer(3) });
    expect(await list()).toMatchObject([{ state: 'delivered', status: 'completed' }]);
    expect(await readFile(tally, 'utf8')).toBe('ran\n');
  });

  it('while it waits, and wait and list know of the job in between', async () => {
    const job = { seconds: 6 };
    const killed = place.start(run(job));
    await killed.says(/working/);
    await expect.poll(list, { timeout: 15_000 }).toMatchObject([{ state: 'running', status: 'working' }]);
    await kill(killed);
    const [{ id = '' } = {}] = await list();
    const text = (await place.run(['list'])).stdout;
    expect(text).toMatch(new RegExp(`^${id.slice(0, 6)} +${START} +${proxy.url} +working `, 'm'));
    const [waited, again] = await Promise.all([place.run(['wait', id.slice(0, 6)]), place.run(run(job))]);
    expect(waited).toMatchObject({ code: 0, stdout: answer(3) });
    expect(again).toMatchObject({ code: 0, stdout: answer(3) });
    expect(await list()).toMatchObject([{ state: 'delivered' }]);
    expect(await readFile(tally, 'utf8')).toBe('ran\n');
  });

  it('after it had fetched the result, which wait then has without any server', async () => {
    const letters = 400_000;
    // A reader that is slow to take the result: it does not fit into the pipe.
    const killed = place.start(run({ letters }));
    killed.process.stdout?.pause();
    await expect.poll(list, { timeout: 20_000 }).toMatchObject([{ state: 'ended', status: 'completed' }]);
    killed.process.kill('SIGKILL');
    await once(killed.process, 'exit');
    killed.process.stdout?.resume();
    await killed.finished;
    const [{ id = '' } = {}] = await list();
    expect((await place.run(['list'])).stdout).toContain('completed, not delivered');
    expect(await place.run(run({ letters }))).toMatchObject({ code: 0, stdout: answer(letters) });
    server.kill('SIGTERM');
    await server.finished;
    expect(await place.run(['wait', id])).toMatchObject({ code: 0, stdout: answer(letters) });
    expect(await readFile(tally, 'utf8')).toBe('ran\n');
  });
});
