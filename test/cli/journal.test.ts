import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JournalFile } from '../../src/client/journal/journal-file.js';
import { serveOdd } from '../fixtures/cli/odd-http.js';
import { initiate, newWorkplace, ODD_SERVER, type Workplace } from './command.js';

/** As a process of its own. */
const odd = ['--', process.execPath, ODD_SERVER];

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

async function listed(...flags: string[]): Promise<readonly Record<string, unknown>[]> {
  return JSON.parse((await place.run(['list', '--json', ...flags])).stdout);
}

/** The id that a command printed to go on with its job. */
const idIn = (stderr: string) => /mcp-await wait ([0-9a-f]{6})/.exec(stderr)?.[1] ?? '';

describe('the jobs of a machine', () => {
  it('are none at first, and looking makes no journal', async () => {
    expect(await place.run(['list'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('No job is open'),
    });
    expect(await listed('--all')).toEqual([]);
  });

  it('are listed until their end was printed, and then with --all', async () => {
    const { stdout } = await place.run([...initiate('sleep', { seconds: 2 }), '--detach']);
    expect(await listed()).toMatchObject([
      { tool: 'initiate_background_task', status: 'working', state: 'running', server: { kind: 'bundled' } },
    ]);
    expect(await place.run(['wait', stdout.trim()])).toMatchObject({
      code: 0,
      stdout: '{"slept_seconds":2}\n',
    });
    expect(await listed()).toEqual([]);
    expect(await listed('--all')).toMatchObject([
      { status: 'completed', state: 'delivered', hasResult: true },
    ]);
  });

  it('do not include a run with --no-journal', async () => {
    await place.run(['run', 'echo', '--no-journal', ...(await serveOdd())]);
    expect(await listed('--all')).toEqual([]);
  });

  it('are synchronous ones, too, for as long as the process that called lives', async () => {
    const identity = { server: { kind: 'other', name: 'x' }, distinction: 'x' } as const;
    const call = { identity, protocol: 'sync', idempotencyKey: undefined };
    const minuteAgo = () => Date.now() - 60_000;
    for (const [name, clock] of Object.entries({ lost: minuteAgo, under_way: Date.now })) {
      const file = new JournalFile(join(place.home, 'journal.db'), clock);
      file.claim({ ...call, call: { name } });
      file.close();
    }
    expect(await listed()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ tool: 'lost', status: 'abandoned' }),
        expect.objectContaining({ tool: 'under_way', status: 'working' }),
      ]),
    );
  });

  it('are found by the id alone, which stands for the server too', async () => {
    const { stderr } = await place.run([...initiate('endless'), '--detach', ...(await serveOdd())]);
    const id = idIn(stderr);
    expect(await place.run(['status', id])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('working'),
    });
    const gaveUp = await place.run(['wait', id.slice(0, 5), '--timeout', '2s', '--json']);
    expect(gaveUp.code).toBe(3);
    expect(JSON.parse(gaveUp.stdout)).toMatchObject({
      reference: { handle: { ids: ['endless'] } },
      error: { code: 'AWAIT_TIMEOUT' },
    });
    expect((await place.run(['wait', 'endless', '--timeout', '2s'])).code).toBe(3);
  });

  it('tell a result once more when a key comes again, and conflicts with the arguments', async () => {
    const key = ['--idempotency-key', 'once', ...(await serveOdd())];
    const echo = ['run', 'echo', '--arg', 'text=one', ...key];
    const [first, second] = [await place.run(echo), await place.run(echo)];
    expect(second).toMatchObject({ code: 0, stdout: first.stdout });
    expect(await listed('--all')).toHaveLength(1);
    expect(await place.run(['run', 'echo', '--arg', 'text=two', ...key])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('already names a call of `echo` with other arguments'),
    });
  });

  it('say when an id is none', async () => {
    await place.run(['run', 'echo', ...(await serveOdd())]);
    expect(await place.run(['wait', '0123456789'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no job 0123456789 in the journal'),
    });
  });

  it('say what the journal did not keep', async () => {
    const secret = [...odd, '--token', 'SECRET'];
    // Ended in the middle of it, so that nobody keeps its server.
    const command = place.start([...initiate('endless'), ...secret]);
    await command.says(/working/);
    command.process.kill('SIGKILL');
    await command.finished;
    const [job] = await listed();
    expect(JSON.stringify(job)).not.toContain('SECRET');
    expect(await place.run(['status', String(job?.id)])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/does not keep arguments that look secret[\s\S]*-- COMMAND/),
    });
    expect((await place.run(['status', String(job?.id), ...secret])).code).toBe(0);
  });
});

describe('a server that wants a token', () => {
  it('gets it again from who waits by id', async () => {
    const tokens = join(place.home, 'tokens');
    await writeFile(tokens, 'a-token-that-is-long-enough\n');
    const server = await place.serveHere('--offer-sleep', '--token-file', tokens);
    const header = ['--header', 'Authorization: Bearer a-token-that-is-long-enough'];
    const { stderr } = await place.run([
      ...initiate('sleep', { seconds: 0.2 }),
      '--detach',
      ...server,
      ...header,
    ]);
    expect(stderr).toMatch(/mcp-await wait [0-9a-f]{6} --header 'Authorization: …'\n/);
    expect(await place.run(['wait', idIn(stderr)])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--header 'Authorization: …'"),
    });
    expect(await place.run(['wait', idIn(stderr), ...header])).toMatchObject({
      code: 0,
      stdout: '{"slept_seconds":0.2}\n',
    });
    expect(await listed()).toEqual([]);
  });
});

describe('a journal that cannot be used', () => {
  beforeEach(() => mkdir(join(place.home, 'journal.db')));

  it('does not keep a job from running and from being picked up', async () => {
    const job = await place.run([...initiate('sleep', { seconds: 0.5 }), '--detach']);
    expect(job).toMatchObject({ code: 0, stderr: expect.stringContaining('goes on without its journal') });
    expect(await place.run(['wait', job.stdout.trim()])).toMatchObject({
      code: 0,
      stdout: '{"slept_seconds":0.5}\n',
    });
  });

  it('keeps a job with a key from being sent, unless the journal is not wanted', async () => {
    const server = await place.serveHere('--offer-sleep');
    const call = [...initiate('sleep', { seconds: 0.1 }), '--quiet', '--idempotency-key', 'k', ...server];
    const refused = await place.run(call);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/journal\.db cannot be opened: .* No call is sent .*--no-journal/);
    expect(await place.run([...call, '--no-journal'])).toMatchObject({ code: 0 });
  });

  it('is what list tells', async () => {
    expect(await place.run(['list'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/The journal .*journal\.db cannot be opened/),
    });
  });

  it('is what list tells also where its folder is a file', async () => {
    const file = join(place.home, 'file');
    await writeFile(file, '');
    expect(await place.start(['list'], { env: { MCP_AWAIT_HOME: file } }).finished).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/The journal .*journal\.db cannot be opened/),
    });
  });
});
