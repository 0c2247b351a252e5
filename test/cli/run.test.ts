import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveOdd } from '../fixtures/cli/odd-http.js';
import { initiate, newWorkplace, ODD_SERVER, type Workplace } from './command.js';

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

/** As a process of its own. */
const oddProcess = ['--', process.execPath, ODD_SERVER];
/** The bundled server, in this process. */
const serve = () => place.serveHere('--offer-sleep', '--root', '.');

it('bounds connecting by --timeout, also to a server that only writes to its standard error', async () => {
  const noisy = "process.stdin.resume(); setInterval(() => console.error('loading'), 20);";
  const { code, stdout, stderr } = await place.run([
    ...['run', 'any', '--timeout', '1500ms', '--quiet'],
    ...['--', process.execPath, '-e', noisy],
  ]);
  expect(code).toBe(3);
  expect(stdout).toBe('');
  expect(stderr).toContain('Gave up on connecting after 1.5 s');
  expect(stderr).toContain('--timeout');
});

describe('run with the bundled server, which it starts', () => {
  it('prints the digest of a real folder on stdout and the states on stderr', async () => {
    const { code, stdout, stderr } = await place.run(initiate('hash_tree', { path: 'src' }));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      path: 'src',
      algorithm: 'sha256',
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(stderr).toMatch(/^initiate_background_task: working\n[\s\S]*completed\n$/);
  });

  it('calls an operation by its name, through a task where it takes longer than an inline answer', async () => {
    const short = await place.run(['run', 'hash_tree', '--arg', 'path=src', '--json']);
    expect(JSON.parse(short.stdout)).toMatchObject({
      status: 'completed',
      tool: 'hash_tree',
      protocol: 'tool-pair',
      result: { structuredContent: { path: 'src' } },
    });
    const long = await place.run(['run', 'sleep', '--arg', 'seconds=2', '--json', ...(await serve())]);
    expect(JSON.parse(long.stdout)).toMatchObject({
      tool: 'sleep',
      reference: { protocol: 'tool-pair', handle: { pair: 'mcp-await' } },
      result: { structuredContent: { slept_seconds: 2 } },
    });
    expect(long.code).toBe(0);
  });

  it.each([
    ['completed', { seconds: 0 }, 0, '{"slept_seconds":0}\n'],
    ['failed', { seconds: -1 }, 1, ''],
  ])('ends its process with the exit code of a task that has %s', async (_end, parameters, code, stdout) => {
    const { finished } = place.start(initiate('sleep', parameters), { input: '' });
    expect(await finished).toMatchObject({ code, stdout });
  });

  it('digests a path with unicode in it, relative to where the command runs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mcp-await-ünïcödé-'));
    await mkdir(join(folder, '日本語 🍰'));
    await writeFile(join(folder, '日本語 🍰', 'crème.txt'), 'brûlée');
    const { code, stdout } = await place.run(initiate('hash_tree', { path: '日本語 🍰' }), { cwd: folder });
    await rm(folder, { recursive: true });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ path: '日本語 🍰', files: 1, bytes: 8 });
  });
});

describe('run with the bundled server', () => {
  it('prints one JSON object with --json and nothing but errors with --quiet', async () => {
    const { code, stdout, stderr } = await place.run([
      ...initiate('hash_tree', { path: 'bin' }),
      '--json',
      '--quiet',
      ...(await serve()),
    ]);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'completed',
      tool: 'initiate_background_task',
      reference: { version: 1, protocol: 'tool-pair', handle: { pair: 'mcp-await' } },
      protocol: 'tool-pair',
      attempts: expect.any(Number),
      elapsedMs: expect.any(Number),
      result: { structuredContent: { path: 'bin' } },
    });
  });

  it('takes arguments from a file, from standard input and as single values', async () => {
    const args = JSON.stringify({ operation_type: 'sleep', parameters: { seconds: 0 } });
    const file = join(place.home, 'args.json');
    await writeFile(file, args);
    const expected = { code: 0, stdout: '{"slept_seconds":0}\n' };
    const call = ['run', 'initiate_background_task', ...(await serve())];
    expect(await place.run([...call, '--args', `@${file}`])).toMatchObject(expected);
    expect(await place.run([...call, '--args', '-'], { input: args })).toMatchObject(expected);
    const single = ['--arg', 'operation_type=sleep', '--arg', 'parameters={"seconds":0}'];
    expect(await place.run([...call, ...single])).toMatchObject(expected);
  });

  it('gives the same task for the same idempotency key', async () => {
    const key = ['--idempotency-key', 'once', ...(await serve())];
    const args = [...initiate('sleep', { seconds: 0 }), '--json', ...key];
    const [first, second] = [await place.run(args), await place.run(args)];
    expect(JSON.parse(second.stdout).reference.handle).toEqual(JSON.parse(first.stdout).reference.handle);
    const other = [...initiate('sleep', { seconds: 0.5 }), '--no-journal', ...key];
    expect(await place.run(other)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('IDEMPOTENCY_CONFLICT'),
    });
  });
});

describe('run with a server of somebody else', () => {
  it('reads single arguments as the types of the schema', async () => {
    const values = [
      '--arg',
      'text=42',
      '--arg',
      'count=42',
      '--arg',
      'list=[1]',
      '--arg',
      'flag=true',
      '--arg',
      'other=a=b',
    ];
    const { stdout } = await place.run(['run', 'echo', ...values, ...(await serveOdd())]);
    expect(JSON.parse(stdout)).toEqual({ text: '42', count: 42, list: [1], flag: true, other: 'a=b' });
  });

  it('prints a result of 5 MB whole', async () => {
    const { code, stdout } = await place.start(['run', 'big', '--quiet', ...oddProcess], { input: '' })
      .finished;
    expect(code).toBe(0);
    expect(JSON.parse(stdout).data).toHaveLength(5 * 1024 * 1024);
  });

  it('prints content that is no text as a line of JSON', async () => {
    const { stdout } = await place.run(['run', 'picture', ...(await serveOdd())]);
    expect(JSON.parse(stdout)).toEqual({ type: 'image', data: 'AAAA', mimeType: 'image/png' });
  });

  it('waits on when the server writes garbage between its messages', async () => {
    expect(await place.run([...initiate('writes_garbage'), ...oddProcess])).toMatchObject({
      code: 0,
      stdout: '{"poll":3}\n',
    });
  });

  it('waits on when status requests fail in passing', async () => {
    expect(await place.run([...initiate('failing_polls'), ...(await serveOdd())])).toMatchObject({
      code: 0,
      stdout: '{"poll":3}\n',
    });
  });

  it('takes an unknown status word for running', async () => {
    expect(await place.run([...initiate('odd_word'), ...(await serveOdd())])).toMatchObject({
      code: 0,
      stdout: '{"poll":3}\n',
    });
  });
});

describe('what goes wrong is named, with the next step and the right exit code', () => {
  // Stand for servers in this process.
  const odd = ['ODD'];
  const bundled = ['BUNDLED'];
  const withServers = async (args: readonly string[]) => {
    if (args.includes('ODD')) return [...args.filter(arg => arg !== 'ODD'), ...(await serveOdd())];
    return args.includes('BUNDLED') ? [...args.filter(arg => arg !== 'BUNDLED'), ...(await serve())] : args;
  };

  it.each<[string, string[], number, RegExp]>([
    ['a tool that reports an error', ['run', 'fail', ...odd], 1, /^the tool has failed$/m],
    ['an unknown tool', ['run', 'ecko', ...odd], 2, /no tool `ecko`\. Did you mean `echo`\?/],
    ['malformed JSON', ['run', 'echo', '--args', '{"a":', ...odd], 2, /--args is no valid JSON/],
    [
      'arguments that are no object',
      ['run', 'echo', '--args', '[1]', ...odd],
      2,
      /--args must be a JSON object/,
    ],
    [
      'a value of a wrong type',
      ['run', 'echo', '--arg', 'count=many', ...odd],
      2,
      /--arg count must be of the type \w+, written as JSON, got many/,
    ],
    [
      'a missing file of arguments',
      ['run', 'echo', '--args', '@/none.json', ...odd],
      2,
      / of --args cannot be read: there is none \(ENOENT\)\. Check its path\./,
    ],
    ['an unknown option', ['run', 'echo', '--nope'], 2, /unknown option '--nope'/],
    ['an unknown command', ['rum'], 2, /unknown command 'rum'[\s\S]*Did you mean run\?/],
    ['a duration without a unit', ['run', 'echo', '--timeout', '5'], 2, /Expected a duration such as/],
    [
      'two servers at once',
      ['run', 'echo', '--url', 'http://127.0.0.1:1/mcp', ...oddProcess],
      2,
      /one server only/,
    ],
    [
      'a header without a colon',
      ['run', 'echo', '--url', 'http://127.0.0.1:1', '--header', 's3cret'],
      2,
      /no colon/,
    ],
    [
      'a header for no URL',
      ['run', 'echo', '--header', 'A: b', ...oddProcess],
      2,
      /--header goes with --url/,
    ],
    ['--detach on a synchronous tool', ['run', 'echo', '--detach', ...odd], 2, /`echo` is synchronous/],
    [
      'a command that does not exist',
      ['run', 'echo', '--', 'no-such-command'],
      5,
      /`no-such-command` was not found/,
    ],
    [
      'a command that is no server',
      ['run', 'echo', '--', process.execPath, '-e', 'console.error("broken")'],
      5,
      /ended with exit code 0 before[\s\S]*broken/,
    ],
    [
      'a URL where nothing listens',
      ['run', 'echo', '--url', 'http://127.0.0.1:4/mcp'],
      5,
      /Nothing listens at http:\/\/127\.0\.0\.1:4\/mcp/,
    ],
    [
      'an answer without data',
      [...initiate('answers_garbage'), ...odd],
      5,
      /answered without a state[\s\S]*mcp-await wait/,
    ],
    [
      'an answer about another task',
      [...initiate('other_handle'), ...odd],
      5,
      /asked about other_handle and answered about somebody_else/,
    ],
    [
      'an unknown operation',
      [...initiate('hash_three'), ...bundled],
      1,
      /no operation `hash_three`\. Did you mean `hash_tree`\?/,
    ],
    [
      'parameters that do not fit',
      [...initiate('hash_tree', { path: 7 }), ...bundled],
      1,
      /INVALID_PARAMETERS|path/,
    ],
    ['a path outside of the root', [...initiate('hash_tree', { path: '/etc' }), ...bundled], 1, /--root/],
    [
      'an argument that the tool does not take',
      ['run', 'initiate_background_task', '--arg', 'operation_typ=sleep', ...bundled],
      1,
      /operation_typ/,
    ],
    ['a reference that is none', ['wait', 'no reference'], 2, /A reference is a task_ref/],
    [
      'a reference of another version',
      ['wait', '{"version":9}'],
      2,
      /no task reference of this version: what it has under `version`, `protocol`, `tool`, .* is missing or of another type\. Give/,
    ],
    [
      'an unknown reference',
      ['wait', 'task_sleep_00000000000000000000000000000000', ...bundled],
      1,
      /^(?![\s\S]*working)[\s\S]*does not know the task task_sleep_0/,
    ],
    [
      'the state of an unknown reference',
      ['status', 'task_sleep_00000000000000000000000000000000'],
      1,
      /does not know the task/,
    ],
    ['an unknown server name', ['tools', '--server', 'nobody'], 2, /mcp\.json/],
  ])('%s', async (_case, args, code, message) => {
    const finished = await place.run(await withServers(args));
    expect(finished.stderr).toMatch(message);
    expect(finished.stdout).toBe('');
    expect(finished.code).toBe(code);
  });
});

describe('giving up and coming back', () => {
  it('gives up after --timeout with the reference, and wait picks the job up', async () => {
    const server = await serve();
    const gaveUp = await place.run([...initiate('sleep', { seconds: 4 }), '--timeout', '2s', ...server]);
    expect(gaveUp).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('after 2 s (`deadlineMs`, --timeout)'),
    });
    const reference = /mcp-await wait ([0-9a-f]{6})\n/.exec(gaveUp.stderr)?.[1] ?? '';
    expect(await place.run(['status', reference])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('working'),
    });
    expect(await place.run(['wait', reference])).toMatchObject({
      code: 0,
      stdout: '{"slept_seconds":4}\n',
    });
    expect(await place.run(['wait', reference])).toMatchObject({
      code: 0,
      stdout: '{"slept_seconds":4}\n',
    });
  });

  it('tells the reference of a job that it gave up on, however quiet', async () => {
    const { code, stderr } = await place.run([
      ...initiate('endless'),
      '--max-attempts',
      '1',
      '--quiet',
      ...oddProcess,
    ]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/kept running [^\n]*\n {2}Wait for it: {3}mcp-await wait [0-9a-f]{6}\n/);
  });

  it('gives up after --max-attempts', async () => {
    const flags = ['--max-attempts', '3', '--initial-interval', '10ms', '--json', ...(await serveOdd())];
    const { code, stdout, stderr } = await place.run([...initiate('endless'), ...flags]);
    expect(code).toBe(3);
    expect(stderr).toContain('after 3 status requests');
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'working',
      attempts: 3,
      error: { code: 'AWAIT_TIMEOUT' },
    });
  });

  it('gives up on a synchronous tool that says nothing', async () => {
    const flags = ['--silence-timeout', '300ms', ...(await serveOdd())];
    const { code, stderr } = await place.run(['run', 'silent', ...flags]);
    expect(code).toBe(3);
    expect(stderr).toContain('`silent` was silent for 300 ms (`silenceTimeoutMs`, --silence-timeout)');
  });

  it('leaves a job running with --detach, for a server that goes on by itself', async () => {
    const left = await place.run([...initiate('sleep', { seconds: 1.5 }), '--detach']);
    expect(left.code).toBe(0);
    const reference = left.stdout.trim();
    expect(reference).toMatch(/^task_\w+_[0-9a-f]{32}$/);
    expect(await place.run(['wait', reference])).toMatchObject({
      code: 0,
      stdout: '{"slept_seconds":1.5}\n',
    });
  });

  it('detaches on Ctrl-C and prints how to go on', async () => {
    const command = place.start(initiate('sleep', { seconds: 30 }));
    await command.says(/working/);
    command.process.kill('SIGINT');
    const { code, stdout, stderr } = await command.finished;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    const reference = /mcp-await cancel ([0-9a-f]{6})\n/.exec(stderr)?.[1] ?? '';
    expect(await place.run(['cancel', reference])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('cancelled'),
    });
    expect(await place.run(['wait', reference])).toMatchObject({ code: 4, stdout: '' });
  });

  it('loses nothing to a Ctrl-C at a terminal, which reaches every process in the foreground', async () => {
    const command = place.start(initiate('sleep', { seconds: 2 }), { ownGroup: true });
    await command.says(/working/);
    process.kill(-Number(command.process.pid), 'SIGINT');
    const { code, stderr } = await command.finished;
    expect(code).toBe(130);
    const reference = /mcp-await wait ([0-9a-f]{6})\n/.exec(stderr)?.[1] ?? '';
    expect(await place.run(['wait', reference])).toMatchObject({ code: 0, stdout: '{"slept_seconds":2}\n' });
  });

  it('cancels on Ctrl-C with --on-interrupt cancel', async () => {
    const flags = ['--on-interrupt', 'cancel', '--json', ...(await serve())];
    const command = place.startHere([...initiate('sleep', { seconds: 30 }), ...flags]);
    await command.says(/working/);
    command.kill('SIGINT');
    const { code, stdout } = await command.finished;
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'cancelled', error: { code: 'CANCELLED' } });
  });

  it('ends at once on Ctrl-C when a synchronous tool is silent', async () => {
    const command = place.startHere(['run', 'silent', ...(await serveOdd())]);
    await command.says(/silent: working/);
    command.kill('SIGINT');
    expect((await command.finished).code).toBe(130);
  });
});
