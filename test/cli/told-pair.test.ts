import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { run } from '../../src/cli/run.js';
import { pairServer } from '../fixtures/pairs/pair-server.js';

const json = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value) }] });

const bakery = (end: 'completed' | 'failed') =>
  pairServer(
    {
      pair: { name: 'x', start: { tool: 'bake' }, status: { tool: 'look', handleArgument: 'ticket_id' } },
      call: { name: 'bake', arguments: {} },
      ids: ['t1'],
      started: json({ ticketId: 't1' }),
      running: [],
      ends: { completed: json({ state: 'Golden Brown' }), failed: json({ state: 'burnt' }) },
    },
    end,
  );

async function runBake(url: string, flags: object) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const io = {
    argv: [],
    stdin: new PassThrough(),
    stdout,
    stderr,
    env: {},
    cwd: () => '.',
    on() {},
    off() {},
  };
  const code = await run(
    'bake',
    { url, onInterrupt: 'detach', json: true, quiet: true, ...flags },
    [],
    io,
  ).catch(String);
  stdout.end();
  stderr.end();
  const [printed, told] = await Promise.all([text(stdout), text(stderr)]);
  return { code, printed: printed === '' ? undefined : JSON.parse(printed), told };
}

const told = { statusTool: 'look', idArg: 'ticket_id', doneWord: ['golden brown'], failedWord: ['burnt'] };

test('mcp-await run takes a pair by flags: one call, the final result, and its exit code', async () => {
  const done = await runBake((await bakery('completed')).url, told);
  expect(done).toMatchObject({
    code: 0,
    printed: { status: 'completed', protocol: 'tool-pair', result: json({ state: 'Golden Brown' }) },
  });
  const burnt = await runBake((await bakery('failed')).url, told);
  expect(burnt).toMatchObject({ code: 1, printed: { status: 'failed' } });
});

test('a place of the result that the answer does not have is told, and the answer stays the result', async () => {
  const { url } = await bakery('completed');
  expect(await runBake(url, { ...told, resultKey: 'nope' })).toMatchObject({
    code: 0,
    printed: { result: json({ state: 'Golden Brown' }) },
    told: expect.stringMatching(/^The last answer .* nothing at `nope` \(--result-key\)/),
  });
  expect(await runBake(url, { ...told, resultKey: 'state' })).toMatchObject({ code: 0, told: '' });
});

test('a place of the state that the answer does not have is told with its flag', async () => {
  const { url } = await bakery('completed');
  const { code, told: said } = await runBake(url, { ...told, statusKey: 'nope' });
  expect(code).not.toBe(0);
  expect(said).toContain('`look` answered without a state at nope (`statusAt`, --status-key)');
});

test('a failure is told once', async () => {
  const { url } = await bakery('failed');
  const { code, told: said } = await runBake(url, { ...told, quiet: false, json: false });
  expect(code).toBe(1);
  expect(said.match(/burnt/g)).toHaveLength(1);
});

test('without them the answer of the start tool is the result', async () => {
  const { url, calls } = await bakery('completed');
  expect(await runBake(url, { detect: false })).toMatchObject({
    code: 0,
    printed: { protocol: 'sync', result: json({ ticketId: 't1' }) },
  });
  expect(calls.map(({ tool }) => tool)).toEqual(['bake']);
});

test.each([
  [
    { statusTool: 'lok', idArg: 'ticket_id' },
    /names the status tool `lok`, which the server does not have.*It has: /,
  ],
  [{ statusTool: 'look', idArg: 'a..b' }, /told-by-flags.*keys joined by dots/],
])('what makes no sense is told: %j', async (flags, message) => {
  const { url, calls } = await bakery('completed');
  expect((await runBake(url, flags)).code).toMatch(message);
  expect(calls).toEqual([]);
});
