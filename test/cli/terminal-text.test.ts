import { expect, test } from 'vitest';
import { formatReference, parseReferenceText } from '../../src/cli/reference-text.js';
import { jsonText, terminalText } from '../../src/cli/terminal-text.js';
import { handleOfTaskRef } from '../../src/protocols/pairs/task-ref.js';
import { jsonServer, toolNamed } from '../fixtures/cli/json-server.js';
import { runMain } from '../fixtures/cli/memory-io.js';

/** Sets the title, clears the screen, colours, and turns the direction of writing. */
const HOSTILE = '\u001b]0;owned\u0007\u001b[2J\u001b[31mFAKE\u001b[0m\u202eevil\u202c\u009b1m\u007f\r';
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come through
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

test('a text keeps its lines and tabs and loses what commands a terminal', () => {
  expect(terminalText(`a\tb\r\nc ${HOSTILE}`)).toBe('a\tb\nc FAKEevil');
  expect(terminalText('família 👩‍👩‍👧 می‌خواهم')).toBe('família 👩‍👩‍👧 می‌خواهم');
});

test('JSON says the same in escapes', () => {
  const text = jsonText({ a: `x\n${HOSTILE}` });
  expect(text).not.toMatch(CONTROL);
  expect(JSON.parse(text)).toEqual({ a: `x\n${HOSTILE}` });
});

test.each(['\u001b', '\u001b[', '\u001b];', '\u001b]a;', '\u009b1;', '\r', '\u202e'])(
  'a megabyte of %j is cleaned',
  piece => {
    expect(terminalText(piece.repeat(1_000_000 / piece.length))).not.toMatch(CONTROL);
  },
);

const hostile = () =>
  jsonServer(({ method, params }) => {
    if (method === 'tools/list')
      return {
        result: {
          tools: [toolNamed('ok'), toolNamed('failed'), toolNamed('refused'), toolNamed(`go${HOSTILE}`)],
        },
      };
    if (method !== 'tools/call') return undefined;
    const content = [{ type: 'text', text: `one\ntwo ${HOSTILE}` }];
    if (params.name === 'refused') return { error: { code: -32000, message: `no ${HOSTILE}` } };
    return { result: { content, isError: params.name === 'failed' } };
  });

test.each([
  ['tools'],
  ['run', 'nope'],
  ['run', 'failed'],
  ['run', 'refused'],
  ['tools', '--json'],
  ['run', 'ok', '--json'],
])('a server commands no terminal through %s %s %s', async (...words) => {
  const { stdout, stderr } = await runMain([...words, '--url', await hostile()]);
  expect(stdout).not.toMatch(CONTROL);
  expect(stderr).not.toMatch(CONTROL);
});

test('a result reaches a pipe as it is, and a terminal without commands', async () => {
  const words = ['run', 'ok', '--url', await hostile(), '--quiet'];
  expect((await runMain(words)).stdout).toBe(`one\ntwo ${HOSTILE}\n`);
  expect((await runMain(words, { isTTY: true })).stdout).toBe('one\ntwo FAKEevil\n');
});

test.each(['x\nrm -rf ~ #', '--flag', '-', 'a b', '$(x)', '\u202eevil'])(
  'a reference to %j is one line that is read again',
  taskRef => {
    const reference = {
      version: 1 as const,
      protocol: 'tool-pair',
      tool: 'initiate_background_task',
      handle: handleOfTaskRef(taskRef),
      startedAt: '2026-01-01T00:00:00.000Z',
    };
    const text = formatReference(reference);
    expect(text).toMatch(/^\{.*\}$/);
    expect(text).not.toMatch(CONTROL);
    expect(parseReferenceText(text)).toEqual(reference);
  },
);
