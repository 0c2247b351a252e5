import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { canAsk, terminalAsker } from '../../../src/cli/ask/terminal-asker.js';
import { main } from '../../../src/cli/main.js';

const SERVER = fileURLToPath(new URL('../../fixtures/interop/sdk-v2-server.mjs', import.meta.url));

/** A terminal at which the answers are typed, each as soon as it is asked for. */
function terminal(answers: Readonly<Record<string, string>>, isTTY = true) {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 80 });
  const stdout = new PassThrough();
  const heard = { stderr: '', stdout: '' };
  const left = new Map(Object.entries(answers));
  stdout.on('data', chunk => {
    heard.stdout += chunk;
  });
  let unread = '';
  stderr.on('data', chunk => {
    heard.stderr += chunk;
    unread += chunk;
    for (const [prompt, answer] of left) {
      if (!unread.includes(prompt)) continue;
      left.delete(prompt);
      unread = '';
      stdin.write(answer);
    }
  });
  const io = {
    argv: [],
    stdin,
    stdout,
    stderr,
    env: { ...process.env, CI: '1' },
    cwd: () => process.cwd(),
    on() {},
    off() {},
  };
  return { io, heard };
}

const question = (params: Record<string, unknown>, signal = new AbortController().signal) => ({
  method: 'elicitation/create',
  params: { message: 'Tell me', ...params },
  tool: 'bake',
  signal,
});
const schema = (properties: object, required: string[] = []) => ({
  requestedSchema: { type: 'object', properties, required },
});
const nothing = () => ({ [Symbol.dispose]() {} });

describe('a question on the terminal', () => {
  test('is asked field by field, and again where the answer is not allowed', async () => {
    const { io, heard } = terminal({
      'colour (Which one?), one of these: ': 'purple\n',
      'Choose one of red, blue.': '2\n',
      'layers, a whole number, default 3: ': '\n',
      'note, may be left empty: ': '\n',
    });
    const params = schema(
      {
        colour: { type: 'string', description: 'Which one?', enum: ['red', 'blue'] },
        layers: { type: 'integer', default: 3 },
        note: { type: 'string' },
      },
      ['colour'],
    );
    await expect(terminalAsker(io, nothing)(question(params))).resolves.toEqual({
      action: 'accept',
      content: { colour: 'blue', layers: 3 },
    });
    expect(heard.stderr).toContain('bake asks: Tell me\n');
    expect(heard.stderr).toContain('  1) red\n  2) blue\n');
  });

  test.each([
    [':decline\n', 'decline'],
    [':cancel\n', 'cancel'],
  ])('can be answered with %j', async (line, action) => {
    const { io } = terminal({ 'name, may be left empty: ': line });
    const asked = terminalAsker(io, nothing)(question(schema({ name: { type: 'string' } })));
    await expect(asked).resolves.toEqual({ action });
  });

  test.each([
    ['y\n', { action: 'accept', content: {} }],
    ['hm\nno\n', { action: 'decline' }],
    ['c\n', { action: 'cancel' }],
  ])('without fields is a yes or a no: %j', async (lines, answer) => {
    const { io } = terminal({ '[y]es, [n]o or [c]ancel: ': lines });
    await expect(terminalAsker(io, nothing)(question({}))).resolves.toEqual(answer);
  });

  test('waits for the one before it, and takes the spinner away', async () => {
    const { io } = terminal({ 'one, may be left empty: ': '1\n', 'two, may be left empty: ': '2\n' });
    let paused = 0;
    const ask = terminalAsker(io, () => {
      paused++;
      expect(paused).toBe(1);
      return { [Symbol.dispose]: () => void paused-- };
    });
    const answers = ['one', 'two'].map(name => ask(question(schema({ [name]: { type: 'string' } }))));
    await expect(Promise.all(answers)).resolves.toEqual([
      { action: 'accept', content: { one: '1' } },
      { action: 'accept', content: { two: '2' } },
    ]);
    expect(paused).toBe(0);
  });

  test('ends when the answer is no longer wanted, and when the terminal is gone', async () => {
    const { io } = terminal({});
    const controller = new AbortController();
    const ask = terminalAsker(io, nothing);
    const first = Promise.resolve(ask(question({}, controller.signal)));
    setImmediate(() => controller.abort(new Error('enough')));
    await expect(first).rejects.toThrow('enough');
    const second = Promise.resolve(ask(question({})));
    setImmediate(() => io.stdin.end());
    await expect(second).rejects.toThrow('the terminal has ended');
  });

  test('that a terminal cannot answer is refused', async () => {
    const { io } = terminal({});
    const sampling = { ...question({}), method: 'sampling/createMessage' };
    await expect(terminalAsker(io, nothing)(sampling)).rejects.toThrow('`sampling/createMessage`');
  });

  test('shows nothing that moves the cursor', async () => {
    const { io, heard } = terminal({ '[y]es': 'y\n' });
    await terminalAsker(io, nothing)(question({ message: 'a\u001b[2Jb\r\nc' }));
    expect(heard.stderr).toContain('bake asks: ab c\n');
  });
});

describe('`mcp-await run` of a tool that asks', () => {
  const command = ['node', 'mcp-await', 'run', 'ask', '--no-journal', '--initial-interval', '50ms'];
  const server = ['--', process.execPath, SERVER];

  test('asks on the terminal, and prints the result alone on stdout', async () => {
    const { io, heard } = terminal({ 'colour: ': 'red\n', 'size: ': 'small\n' });
    const code = await main({ ...io, argv: [...command, ...server] });
    expect([code, JSON.parse(heard.stdout)]).toEqual([
      0,
      {
        first: { action: 'accept', content: { colour: 'red' } },
        second: { action: 'accept', content: { size: 'small' } },
      },
    ]);
    expect(heard.stderr).toContain('ask asks: Which colour?');
  });

  test('fails with what was asked where there is no terminal, and tells how to go on', async () => {
    const { io, heard } = terminal({}, false);
    expect(canAsk(io)).toBe(false);
    const code = await main({ ...io, argv: [...command, ...server] });
    expect([code, heard.stdout]).toEqual([3, '']);
    expect(heard.stderr).toMatch(
      /Which colour\? · Which size\?.*\nThe server ends with this command.*\n.*mcp-await wait /s,
    );
  });

  test('prints what was asked, and the reference, with --json', async () => {
    const { io, heard } = terminal({});
    const code = await main({ ...io, argv: [...command, '--json', ...server] });
    expect(code).toBe(3);
    expect(JSON.parse(heard.stdout)).toMatchObject({
      status: 'input_required',
      reference: { protocol: 'tasks-2026-07-28', handle: { taskId: expect.any(String) } },
      error: { code: 'INPUT_REQUIRED', message: expect.stringContaining('Which colour?') },
      questions: [{ method: 'elicitation/create', params: { message: 'Which colour?' } }, {}],
    });
  });
});
