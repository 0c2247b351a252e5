import { afterEach, beforeEach, expect, test } from 'vitest';
import { initiate, newWorkplace, type Workplace } from './command.js';

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

const rowsOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map(line => line.split(/ {2,}/));

test('mcp-await tasks lists the tasks of a store, the newest first, as the filters say', async () => {
  const server = await place.serveHere('--offer-sleep');
  await place.run([...initiate('sleep', { seconds: 0 }), ...server]);
  await place.run([...initiate('hash_tree', { path: 'no-such-file' }), ...server]);
  const { code, stdout } = await place.run(['tasks']);
  expect(code).toBe(0);
  const [head, failed, completed, ...more] = rowsOf(stdout);
  expect(head).toEqual(['task', 'owner', 'state', 'age', 'ran', 'message']);
  expect(failed?.slice(0, 3)).toEqual([expect.stringMatching(/^task_hash_tree_/), 'local', 'failed']);
  expect(failed?.at(-1)).toContain('PATH_NOT_FOUND');
  expect(completed?.slice(0, 3)).toEqual([expect.stringMatching(/^task_sleep_/), 'local', 'completed']);
  expect(more).toEqual([]);
  const refsOf = async (...flags: string[]) =>
    JSON.parse((await place.run(['tasks', '--json', ...flags])).stdout).map(
      (task: { taskRef: string }) => task.taskRef,
    );
  expect(await refsOf('--state', 'completed')).toEqual([completed?.[0]]);
  expect(await refsOf('--state', 'completed', '--state', 'failed')).toEqual([failed?.[0], completed?.[0]]);
  expect(await refsOf('--operation', 'hash_tree')).toEqual([failed?.[0]]);
  expect(await refsOf('--owner', 'nobody')).toEqual([]);
  const short = await place.run(['tasks', '--limit', '1']);
  expect(rowsOf(short.stdout)).toHaveLength(2);
  expect(short.stderr).toBe('There are more: --limit 10 shows up to 10.\n');
});

test('mcp-await tasks says that nothing is there, and what is wrong with a flag', async () => {
  expect(await place.run(['tasks'])).toMatchObject({
    code: 0,
    stdout: '',
    stderr: 'The store holds no tasks. `mcp-await list` lists the jobs of this machine, on any server.\n',
  });
  expect((await place.run(['tasks', '--state', 'failed', '--owner', 'me'])).stderr).toBe(
    'The store holds no such tasks; without --state and --owner it may.\n',
  );
  const wrong = await place.run(['tasks', '--state', 'done']);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('Expected one of waiting, running, completed, failed, cancelled.');
});
