import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { initiate, newWorkplace, type Workplace } from './command.js';
import { isRunning, untilEnded } from './served.js';

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

const start = (...args: string[]) => place.start(args);

async function startFront(...flags: string[]): Promise<string> {
  const [, url] = await place.serveHere('--offer-sleep', '--no-worker', ...flags);
  return url;
}

describe('a worker', () => {
  it('stays although it has nothing to do, and ends on SIGTERM', async () => {
    const worker = start('worker');
    await worker.says(/Working on/);
    await new Promise(resolve => setTimeout(resolve, 300));
    const pid = Number(worker.process.pid);
    expect(isRunning(pid)).toBe(true);
    worker.process.kill('SIGTERM');
    await untilEnded(pid);
    expect((await worker.finished).code).toBe(0);
  });

  it('lets what it runs end on SIGTERM', async () => {
    const url = await startFront();
    const worker = start('worker');
    await worker.says(/Working on/);
    const left = await place.run([...initiate('sleep', { seconds: 4 }), '--detach', '--url', url]);
    await vi.waitFor(async () => {
      const { stdout } = await place.run(['stats', '--json']);
      expect(JSON.parse(stdout).operations[0]).toMatchObject({ processing: 1 });
    }, 5000);
    worker.process.kill('SIGTERM');
    expect((await worker.finished).code).toBe(0);
    const waited = await place.run(['wait', left.stdout.trim(), '--url', url]);
    expect(waited).toMatchObject({ code: 0, stdout: '{"slept_seconds":4}\n' });
  });

  it('that is killed fails its tasks within --lease', async () => {
    const url = await startFront('--lease', '1s');
    const worker = start('worker', '--lease', '1s');
    await worker.says(/Working on/);
    const left = await place.run([...initiate('sleep', { seconds: 60 }), '--detach', '--url', url]);
    await vi.waitFor(async () => {
      const { stdout } = await place.run(['stats', '--json']);
      expect(JSON.parse(stdout).operations[0]).toMatchObject({ processing: 1 });
    }, 5000);
    worker.process.kill('SIGKILL');
    await worker.finished;
    const waited = await place.run(['wait', left.stdout.trim(), '--url', url, '--timeout', '10s', '--json']);
    expect(JSON.parse(waited.stdout).error).toMatchObject({ code: 'WORKER_LOST', retryable: true });
  });

  it.each<[string, string[], RegExp]>([
    ['a store that is none', ['--store', 'nowhere'], /Expected a store as/],
    ['a store that no other process sees', ['--store', 'memory:'], /lives in one process/],
    ['a file of operations that is missing', ['--operations', 'none.js'], /Cannot find the operations file/],
    [
      'a lease that nobody could keep',
      ['--lease', '10ms'],
      /--lease: expected a number from 1 to 3600 \(seconds\), got 0.01/,
    ],
    ['a concurrency of none', ['--concurrency', '0'], /positive integer/],
  ])('refuses %s', async (_case, flags, message) => {
    const { code, stderr } = await place.run(['worker', ...flags]);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});

it('serve --no-worker refuses a store that no worker could see', async () => {
  const { code, stderr } = await place.run([
    'serve',
    '--http',
    '--port',
    '0',
    '--no-worker',
    '--store',
    'memory:',
  ]);
  expect(stderr).toMatch(/lives in one process/);
  expect(code).toBe(2);
});
