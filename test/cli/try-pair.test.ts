import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { type PairsFlags, pairs } from '../../src/cli/pairs.js';
import { parsePairs } from '../../src/client/tools/pair-options.js';
import { pairServer } from '../fixtures/pairs/pair-server.js';

const json = (value: Record<string, unknown>): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(value) }],
  structuredContent: value,
});

interface Baking {
  readonly started?: CallToolResult;
  readonly running?: readonly CallToolResult[];
  readonly end?: CallToolResult;
}

/** A server whose answers tell states in words of its own, and hold a secret. */
async function bakery({ started, running, end }: Baking = {}) {
  const { url, calls } = await pairServer(
    {
      pair: {
        name: 'x',
        start: { tool: 'start_render' },
        status: { tool: 'get_render_status', handleArgument: 'render_id' },
      },
      call: { name: 'start_render', arguments: {} },
      ids: ['r1'],
      started: started ?? json({ render_id: 'r1', upload_key: 'hunter2' }),
      running: running ?? [json({ state: 'running', percent: 40, upload_key: 'hunter2', retry_after_ms: 1 })],
      ends: { completed: end ?? json({ state: 'done', percent: 100, url: 'https://x/?key=hunter2' }) },
      definitions: {
        start_render: { description: 'Starts a render job in the background. Poll get_render_status.' },
        get_render_status: { description: 'The status of a render.' },
      },
    },
    'completed',
  );
  const folder = mkdtempSync(join(tmpdir(), 'pairs-try-'));
  const file = join(folder, 'mcp.json');
  writeFileSync(file, JSON.stringify({ mcpServers: { oven: { url } } }));
  async function init(flags: PairsFlags, typed?: string) {
    const stdin = Object.assign(new PassThrough(), { isTTY: typed !== undefined });
    if (typed !== undefined) stdin.write(typed);
    const stdout = new PassThrough();
    const stderr = Object.assign(new PassThrough(), { isTTY: typed !== undefined });
    const said = Promise.all([text(stdout), text(stderr)]);
    const io = { argv: [], stdin, stdout, stderr, env: { CI: '1' }, cwd: () => folder, on() {}, off() {} };
    const code = await pairs({ server: 'oven', config: file, ...flags }, [], io).finally(() => {
      stdout.end();
      stderr.end();
    });
    const [out, err] = await said;
    return { code, stdout: out, stderr: err };
  }
  return { calls, init, written: () => JSON.parse(readFileSync(file, 'utf8')).mcpServers.oven.pairs };
}

describe('mcp-await pairs init --try', () => {
  test('calls the tool once, says so before, shows both answers, and writes words, places and progress', async () => {
    const { calls, init, written } = await bakery();
    const { code, stdout, stderr } = await init({ try: '{"title":"x"}', yes: true });
    expect(code).toBe(0);
    expect(calls.filter(({ tool }) => tool === 'start_render')).toEqual([
      { tool: 'start_render', arguments: { title: 'x' } },
    ]);
    const order = [
      'Calls `start_render` once with {"title":"x"}; what it starts is real.',
      '`start_render` answered:\n  {"render_id":"r1"',
      '`get_render_status` answered:\n  {"state":"running"',
      '`get_render_status` answered:\n  {"state":"done"',
      '1 of 1 written',
    ].map(line => stderr.indexOf(line));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order[0]).toBeGreaterThan(-1);
    const profiles = written();
    expect(profiles).toMatchObject([
      {
        name: 'start_render',
        start: { tool: 'start_render', handleAt: 'render_id' },
        status: { tool: 'get_render_status', statusAt: 'state', progressAt: 'percent' },
        words: { running: 'working', done: 'completed' },
      },
    ]);
    expect(parsePairs(profiles, 'file')).toHaveLength(1);
    expect(JSON.stringify(profiles) + stdout).not.toMatch(/hunter2|r1/);
  });

  test('asks what a word means that nobody knows', async () => {
    const { init, written } = await bakery({
      running: [json({ state: 'rising', retry_after_ms: 1 })],
      end: json({ state: 'golden brown' }),
    });
    const { stderr } = await init({ try: '{}' }, 'w\nc\ny\n');
    expect(stderr).toMatch(/What does the state `rising` mean: .*What does the state `golden brown` mean/s);
    expect(written()).toMatchObject([{ words: { rising: 'working', 'golden brown': 'completed' } }]);
  });

  test('takes the meaning of a word from a flag, and nothing is asked without a terminal', async () => {
    const { init, written } = await bakery({
      running: [json({ state: 'rising', retry_after_ms: 1 })],
      end: json({ state: 'baked' }),
    });
    const { stderr } = await init({ try: '{}', yes: true, doneWord: ['baked'] });
    expect(stderr).toContain('The state `rising` is no known word: it counts as working.');
    expect(written()).toMatchObject([{ status: { statusAt: 'state' }, words: { baked: 'completed' } }]);
    expect(written()[0].words).not.toHaveProperty('rising');
  });

  test('goes on with what was seen when the time is over, and says how the job is called', async () => {
    const { init, written } = await bakery({
      running: Array.from({ length: 5000 }, (_, index) =>
        json({ state: 'running', step: index, retry_after_ms: 100 }),
      ),
    });
    const { code, stderr } = await init({ try: '{}', yes: true, timeout: 1500 });
    expect(code).toBe(0);
    expect(stderr).toContain(
      'The end was not seen: it has not ended within 1.5 s (--timeout). What was started goes on; its `render_id` is "r1".',
    );
    expect(written()).toMatchObject([{ status: { statusAt: 'state' }, words: { running: 'working' } }]);
  });

  test.each<[string, Baking, RegExp]>([
    ['an answer without a handle', { started: json({ ok: true }) }, /the answer has nothing for `render_id`/],
    [
      'an answer with an error',
      { started: { ...json({ error: 'no' }), isError: true } },
      /`start_render` answered with an error:\n.*\nNothing was learned: `start_render` answered with an error\./,
    ],
    [
      'a status tool that tells no state',
      { running: [json({ colour: 'red' })] },
      /\{"colour":"red"\}\nThe end was not seen: .*\nNothing was learned: `get_render_status` told no state of it/,
    ],
  ])('learns nothing of %s, and writes nothing', async (_what, baking, message) => {
    const { init, written } = await bakery(baking);
    const { code, stdout, stderr } = await init({ try: '{}', yes: true });
    expect(stderr).toMatch(message);
    expect({ code, stdout, pairs: written() }).toEqual({ code: 1, stdout: '', pairs: undefined });
  });

  test.each<[string, PairsFlags, RegExp]>([
    ['arguments that are no object', { try: '[1]' }, /--try must be a JSON object/],
    ['a time without a run', { timeout: 5 }, /--timeout goes with --try/],
  ])('refuses %s before anything is called', async (_what, flags, message) => {
    const { calls, init } = await bakery();
    await expect((async () => init(flags))()).rejects.toThrow(message);
    expect(calls).toEqual([]);
  });

  test('calls nothing for a tool that starts no pair', async () => {
    const { calls, init } = await bakery();
    const { code, stderr } = await init({ try: '{}', tool: 'greet' });
    expect(stderr).toContain(
      '`greet` looks like the start of no pair, or of one that is known already. There are: start_render.',
    );
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
  });
});
