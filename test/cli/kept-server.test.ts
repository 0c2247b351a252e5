import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newWorkplace, type Workplace } from './command.js';

const script = fileURLToPath(new URL('../fixtures/cli/job-server.mjs', import.meta.url));
let place: Workplace;

beforeAll(async () => {
  place = await newWorkplace();
});
afterAll(() => place.remove());

/** A job whose server is a child of the command and keeps its jobs in its memory. */
const runJob = (durationMs: number, ...flags: string[]) => [
  ...[
    'run',
    'start_job',
    '--status-tool',
    'get_job_status',
    '--id-arg',
    'job_id',
    '--initial-interval',
    '200ms',
  ],
  ...flags,
  ...['--', process.execPath, script, String(durationMs)],
];
const idIn = (stderr: string) => /mcp-await wait ([0-9a-f]{6})\n/.exec(stderr)?.[1] ?? '';
const KEPT = /The task goes on: its server is kept running until it has ended/;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it.each([
  ['--timeout', ['--timeout', '4s'], 3],
  ['--detach', ['--detach'], 0],
])(
  'after %s a server of our own is kept until its task has ended, and the result is there',
  async (_what, flags, code) => {
    const left = await place.run(runJob(8000, ...flags));
    expect(left).toMatchObject({ code, stderr: expect.stringMatching(KEPT) });
    const id = idIn(left.stderr);
    expect(await place.run(['status', id])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('working'),
    });
    expect(await place.run(['wait', id, '--done-word', 'ready', '--max-interval', '3s'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`--done-word and --max-interval would have no effect on ${id}`),
    });
    const waited = await place.run(['wait', id]);
    expect(waited.code).toBe(0);
    const { result } = JSON.parse(waited.stdout);
    await expect.poll(() => isRunning(result.pid), { timeout: 10_000 }).toBe(false);
  },
);

it('after a Ctrl-C at a terminal, too', async () => {
  const command = place.start(runJob(4000), { ownGroup: true });
  await command.says(/working/);
  process.kill(-Number(command.process.pid), 'SIGINT');
  const { code, stderr } = await command.finished;
  expect([code, stderr]).toEqual([130, expect.stringMatching(KEPT)]);
  expect(await place.run(['wait', idIn(stderr)])).toMatchObject({ code: 0 });
});

/** A call of a tool that has no task, at a server whose list has a status tool. */
const runWork = (durationMs: number, ...flags: string[]) => [
  'run',
  'work',
  ...flags,
  ...['--', process.execPath, script, String(durationMs)],
];

// The call is waited for 5 s before it counts as one that may be synchronous.
it('--detach waits for the answer of a call that has given no reference, which would be lost', async () => {
  expect(await place.run(runWork(7000, '--detach'))).toEqual({
    code: 0,
    stdout: expect.stringMatching(/"pid":\d+/),
    stderr: expect.stringMatching(/`work` has given no reference yet.*--detach waits for its answer/),
  });
});

it('Ctrl-C says what becomes of a call that has no reference', async () => {
  const command = place.start(runWork(60_000));
  await command.says(/working/);
  command.process.kill('SIGINT');
  expect(await command.finished).toMatchObject({
    code: 130,
    stderr: expect.stringMatching(/The call had not been answered, and its work may end with it/),
  });
});

it('it can be cancelled, by the process that keeps it', async () => {
  const { stderr } = await place.run(runJob(60_000, '--cancel-tool', 'cancel_job', '--detach'));
  expect(await place.run(['cancel', idIn(stderr)])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('cancelled'),
  });
});

it('one that cannot be cancelled can be given up, as the message says', async () => {
  const id = idIn((await place.run(runJob(60_000, '--detach'))).stderr);
  const giveUp = `forget --force ${id}`;
  expect(await place.run(['cancel', id])).toMatchObject({ code: 3, stderr: expect.stringContaining(giveUp) });
  expect(await place.run(giveUp.split(' '))).toMatchObject({ code: 0 });
});

it('what would be lost is said where nobody could fetch the result', async () => {
  const { stderr } = await place.run(runJob(60_000, '--timeout', '4s', '--no-journal'));
  expect(stderr).toMatch(/The server ends with this command: the task goes on only if the server keeps it/);
  expect(stderr).not.toMatch(KEPT);
});

it('a server that ignores its end keeps nobody waiting, and is ended all the same', async () => {
  const command = place.start(['run', 'work', '--json', '--', process.execPath, script, '100', 'deaf']);
  let printedAt = Number.POSITIVE_INFINITY;
  command.process.stdout?.once('data', () => {
    printedAt = performance.now();
  });
  const { code, stdout } = await command.finished;
  // Its end takes 4 seconds: the end of its input, SIGTERM and SIGKILL.
  expect(performance.now() - printedAt).toBeLessThan(3000);
  expect(code).toBe(0);
  const { pid } = JSON.parse(stdout).result.structuredContent;
  expect(isRunning(pid)).toBe(true);
  await expect.poll(() => isRunning(pid), { timeout: 30_000 }).toBe(false);
});
