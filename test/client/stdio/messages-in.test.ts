import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinIndented, messagesIn } from '../../../src/client/stdio/messages-in.js';

const answer = (id: number, text = 'hi') =>
  ({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } }) as const;
const one = JSON.stringify(answer(1));
const two = JSON.stringify(answer(2, 'a } in a "text" and {"jsonrpc":'));

test.each([
  ['a message', one, [1], false],
  ['a message with a carriage return and blanks', `  ${one}\r`, [1], false],
  ['a message after a byte order mark', `\uFEFF${one}`, [1], false],
  ['a message between NUL bytes', `\0\0${one}\0`, [1], false],
  ['UTF-16 that was read byte by byte', `\uFFFD\uFFFD${[...one].join('\0')}\0`, [1], true],
  ['two messages without a line break', one + two, [1, 2], false],
  ['three messages, blanks between them', `${one} ${two}\t${one}`, [1, 2, 1], false],
  ['a batch', `[${one},${two}]`, [1, 2], false],
  ['words before', `Loading... 100%${one}`, [1], true],
  ['words after', `${two}Done!`, [2], true],
  ['words around and between', `a${one}b${two}c`, [1, 2], true],
  ['the colors of a terminal', `\u001b[32m${one}\u001b[0m`, [1], true],
  ['the JSON of a log before', `{"level":"info"}${one}`, [1], true],
  ['a quote and a brace that nobody closes before', `it's "{ ${one}`, [1], true],
  ['a message that breaks off before another', `${one.slice(0, 40)}${two}`, [2], true],
  ['a null `_meta`', '{"jsonrpc":"2.0","id":1,"result":{"_meta":null}}', [1], false],
  ['`null` beside a result', one.replace('}]}', '}]},"error":null'), [1], false],
  ['nothing', ' \t\r', [], false],
  ['words', 'Server is up', [], true],
  ['JSON that is no message', '{"level":"info","id":3}', [], true],
  ['other JSON', 'null', [], true],
])('%s', (_what, line, ids, hasNoise) => {
  const content = messagesIn(line);
  expect(content.messages.map(message => ('id' in message ? message.id : undefined))).toEqual(ids);
  expect([content.hasNoise, content.unreadable]).toEqual([hasNoise, []]);
});

test('what stands in a text is not taken apart', () => {
  const quoted = JSON.stringify(answer(1, one + one));
  expect(messagesIn(`x${quoted}`).messages).toEqual([answer(1, one + one)]);
});

test('an error without an id is one', () => {
  const error = { code: -32700, message: 'Parse error' };
  expect(messagesIn(JSON.stringify({ jsonrpc: '2.0', id: null, error })).messages).toEqual([
    { jsonrpc: '2.0', error },
  ]);
});

test('an error that is a text keeps its words', () => {
  const { messages } = messagesIn('{"jsonrpc":"2.0","id":7,"error":"the oven is cold"}');
  expect(messages).toMatchObject([{ id: 7, error: { code: -32603, message: 'the oven is cold' } }]);
});

describe('an answer that is none says so of its id', () => {
  test.each([
    ['{"jsonrpc":"2.0","id":7,"result":"text"}', /`result` is no object/],
    ['{"jsonrpc":"2.0","id":7}', /neither a `result` nor an `error`/],
  ])('%s', (line, message) => {
    expect(messagesIn(line).unreadable).toMatchObject([
      { id: 7, error: { message: expect.stringMatching(message) } },
    ]);
  });
});

// Quadratic time would be minutes, and the test would not end in time.
test('a megabyte of any pieces is read to its end', () => {
  const piece = fc.constantFrom(
    '{"id":',
    '{',
    '"',
    '\\',
    '{"jsonrpc":"2.0","id":1,"result":',
    '}',
    '[',
    '\0',
  );
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), pieces => {
      const word = pieces.join('');
      const { messages, unreadable } = messagesIn(word.repeat(Math.ceil(1e6 / word.length)));
      expect(messages.length + unreadable.length).toBeLessThan(1e6);
    }),
    { numRuns: 10 },
  );
});

describe('indented JSON over many lines', () => {
  const indented = JSON.stringify(answer(1, 'a'), undefined, 2).split('\n');
  const joined = (lines: readonly string[], maxCharacters = 1000) => {
    const texts: string[] = [];
    const read = joinIndented(maxCharacters, text => texts.push(text));
    for (const line of lines) read(line);
    return texts;
  };

  test.each([
    ['is one message', indented, [[1]]],
    ['twice is two', [...indented, ...indented], [[1], [1]]],
    ['stands between lines that are no part of it', [one, ...indented, 'Ready.'], [[1], [1], []]],
    ['that is never whole takes no other message with it', ['{', one, '}'], [[1], []]],
  ])('%s', (_what, lines, ids) => {
    const found = joined(lines).map(text => messagesIn(text).messages);
    expect(found.map(messages => messages.map(message => 'id' in message && message.id))).toEqual(ids);
  });

  test('is given up on where it is too long', () => {
    expect(joined(['{', '"a": 1,', '"b": 2,', 'c'], 8)).toEqual(['\n{\n"a": 1,', '"b": 2,', 'c']);
  });
});
