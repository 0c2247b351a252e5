import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { answerFrom, RememberedAnswers } from '../../src/cli/remembered-answers.js';
import { newWorkplace, type Workplace } from './command.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remembered-answers-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const REVISION = 'io.modelcontextprotocol/protocolVersion';
const line = (message: object) => JSON.stringify({ jsonrpc: '2.0', ...message });
const initialize = (name = 'host', id: number | string = 1) =>
  line({
    id,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name, version: '1' } },
  });
const discover = (version: string) =>
  line({ id: 1, method: 'server/discover', params: { _meta: { [REVISION]: version, progressToken: 7 } } });
const list = (params?: object, id: number | string = 2) => line({ id, method: 'tools/list', params });
const result = (id: number | string, value: object) => line({ id, result: value });
const newAnswers = () => new RememberedAnswers(join(folder, 'made', 'answers.json'));

/** One start of a server: what the client is told at once, and what it gets for the server's answer. */
function start(requests: readonly string[], answers: readonly string[]) {
  const remembered = newAnswers();
  const atOnce = requests.map(request => remembered.fromClient(request));
  const passed = answers.map(answer => remembered.fromServer(answer));
  remembered.save();
  return { atOnce, passed };
}

describe('what a client asks first', () => {
  it.each([
    ['initialize', initialize(), { protocolVersion: '2025-11-25' }],
    ['server/discover', discover('2026-07-28'), { supportedVersions: ['2026-07-28'] }],
    ['tools/list', list(undefined, 1), { tools: [] }],
    ['prompts/list', line({ id: 1, method: 'prompts/list', params: {} }), { prompts: [] }],
  ])(
    '%s is answered from the second start on, and the server’s own answer is swallowed',
    (_name, request, answer) => {
      expect(start([request], [result(1, answer)])).toEqual({
        atOnce: [undefined],
        passed: [result(1, answer)],
      });
      expect(start([request], [result(1, answer)])).toEqual({
        atOnce: [result(1, answer)],
        passed: [undefined],
      });
    },
  );

  it('is answered under the id of the request', () => {
    start([initialize('host', 1)], [result(1, { a: 1 })]);
    expect(start([initialize('host', 'x')], []).atOnce).toEqual([result('x', { a: 1 })]);
  });

  it.each([
    ['a further page', list({ cursor: 'c' })],
    [
      'a list of 2026-07-28, whose changes nobody would hear of',
      list({ _meta: { [REVISION]: '2026-07-28' } }),
    ],
    ['a call', line({ id: 2, method: 'tools/call', params: { name: 'a' } })],
    ['a notification', line({ method: 'notifications/initialized' })],
    ['what is no JSON', 'tools/list'],
  ])('is not %s', (_what, request) => {
    start([request], [result(2, { tools: [] })]);
    expect(start([request], [result(2, { tools: [] })])).toEqual({
      atOnce: [undefined],
      passed: [result(2, { tools: [] })],
    });
  });

  it('is answered with the same refusal where the server has no such method', () => {
    const refusal = line({ id: 2, error: { code: -32601, message: 'Method not found' } });
    start([list()], [refusal]);
    expect(start([list()], [refusal])).toEqual({ atOnce: [refusal], passed: [undefined] });
  });

  it('is answered to each host as that host was answered before', () => {
    start([initialize('one'), list()], [result(1, { a: 1 }), result(2, { tools: ['one'] })]);
    start([initialize('two'), list()], [result(1, { a: 2 }), result(2, { tools: ['two'] })]);
    expect(start([initialize('one'), list()], []).atOnce).toEqual([
      result(1, { a: 1 }),
      result(2, { tools: ['one'] }),
    ]);
    expect(start([initialize('three'), list()], []).atOnce).toEqual([undefined, undefined]);
  });

  it('is not remembered when it has further pages, or is an error', () => {
    start([list()], [result(2, { tools: [], nextCursor: 'c' })]);
    start([discover('2026-07-28')], [line({ id: 1, error: { code: -1, message: 'no' } })]);
    expect(start([list(), discover('2026-07-28')], []).atOnce).toEqual([undefined, undefined]);
  });
});

describe('an answer that is no longer right', () => {
  const changed = line({ method: 'notifications/tools/list_changed' });

  it.each([
    ['another list', list(), result(2, { tools: ['b'] }), changed],
    ['an error for a list', list(), line({ id: 2, error: { code: -1, message: 'no' } }), changed],
    ['another greeting, which is right the next time', initialize('host', 2), result(2, { b: 1 }), undefined],
  ])('%s', (_what, request, now, told) => {
    start([request], [result(2, { tools: ['a'] })]);
    expect(start([request], [now])).toEqual({
      atOnce: [result(2, { tools: ['a'] })],
      passed: [told],
    });
    const isError = now.includes('error');
    expect(start([request], []).atOnce).toEqual([isError ? undefined : now]);
  });

  it('goes with a server that does not come up', () => {
    start([initialize()], [result(1, { a: 1 })]);
    newAnswers().forget();
    expect(start([initialize()], []).atOnce).toEqual([undefined]);
  });

  it('is forgotten without a word where a file stands in the place of its folder', () => {
    writeFileSync(join(folder, 'made'), '');
    expect(() => newAnswers().forget()).not.toThrow();
  });
});

it('a file that is damaged, or a disk that cannot be written, is as if nothing were remembered', () => {
  writeFileSync(join(folder, 'damaged.json'), '{"a":');
  expect(new RememberedAnswers(join(folder, 'damaged.json')).fromClient(list())).toBeUndefined();
  writeFileSync(join(folder, 'made'), '');
  expect(start([list()], [result(2, { tools: [] })]).passed).toEqual([result(2, { tools: [] })]);
  expect(start([list()], []).atOnce).toEqual([undefined]);
});

it('at most 64 command lines and 32 answers are remembered', () => {
  for (let index = 0; index < 70; index++) {
    const one = new RememberedAnswers(join(folder, 'many', `${index}.json`));
    one.fromClient(list());
    one.fromServer(result(2, { tools: [] }));
    one.save();
  }
  expect(readdirSync(join(folder, 'many'))).toHaveLength(64);
  for (let index = 0; index < 40; index++) start([initialize(`host ${index}`)], [result(1, { index })]);
  expect(start([initialize('host 0'), initialize('host 39')], []).atOnce).toEqual([
    undefined,
    result(1, { index: 39 }),
  ]);
});

test('between the streams, what has no end yet and what comes later go through as they are', async () => {
  const [client, output] = [new PassThrough(), new PassThrough()];
  const server = answerFrom(newAnswers(), client, output);
  server.pipe(output);
  client.write(`${list()}\n`);
  server.write(result(2, { tools: ['ä'] }).slice(0, 40));
  server.write(`${result(2, { tools: ['ä'] }).slice(40)}\n`);
  client.write(`${line({ id: 3, method: 'tools/call' })}\n`);
  await vi.waitFor(() => expect(client.listenerCount('data')).toBe(1));
  server.write('half a ');
  server.end('line');
  expect(await text(output)).toBe(`${result(2, { tools: ['ä'] })}\nhalf a line`);
});

/** A server that answers nothing until a file tells its tools. */
const SLOW_SERVER = `
const { existsSync, readFileSync } = require('node:fs');
const file = process.env.TOOLS_FILE;
const greeting = { protocolVersion: '2025-11-25', capabilities: { tools: { listChanged: true } }, serverInfo: { name: 'slow', version: '1' } };
const answer = ({ id, method }) => {
  if (id === undefined) return;
  const result = method === 'initialize' ? greeting : method === 'tools/list' ? JSON.parse(readFileSync(file)) : undefined;
  const said = result ? { result } : { error: { code: -32601, message: method } };
  console.log(JSON.stringify({ jsonrpc: '2.0', id, ...said }));
};
const tell = line => existsSync(file) ? answer(JSON.parse(line)) : setTimeout(tell, 20, line);
require('node:readline').createInterface(process.stdin).on('line', tell);
`;

describe('a proxy before a server that has not answered yet', () => {
  let place: Workplace;
  beforeEach(async () => {
    place = await newWorkplace();
  });
  afterEach(() => place.remove());

  it('lists the tools of the last time, and tells when they are others', async () => {
    const file = join(folder, 'tools.json');
    const write = (name: string) =>
      writeFileSync(file, JSON.stringify({ tools: [{ name, inputSchema: { type: 'object' } }] }));
    const open = () => {
      const { process: proxy } = place.start(['proxy', '--', process.execPath, '-e', SLOW_SERVER], {
        env: { TOOLS_FILE: file },
      });
      let printed = '';
      proxy.stdout?.on('data', chunk => {
        printed += chunk;
      });
      proxy.stdin?.write(
        [initialize(), line({ method: 'notifications/initialized' }), list(), ''].join('\n'),
      );
      const says = (pattern: RegExp) =>
        vi.waitFor(() => expect(printed).toMatch(pattern), { timeout: 20_000, interval: 20 });
      return { proxy, says };
    };
    write('first_tool');
    const first = open();
    await first.says(/"first_tool"/);
    first.proxy.stdin?.end();
    rmSync(file);
    const second = open();
    await second.says(/"first_tool"/);
    write('second_tool');
    await second.says(/notifications\/tools\/list_changed/);
    second.proxy.stdin?.write(`${list({}, 3)}\n`);
    await second.says(/"second_tool"/);
    second.proxy.stdin?.end();
  });
});
