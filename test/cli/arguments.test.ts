import { Readable, Writable } from 'node:stream';
import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { readArguments } from '../../src/cli/arguments.js';
import { UsageError } from '../../src/cli/exit-code.js';
import type { CommandIo } from '../../src/cli/io.js';

const io = (stdin = '') =>
  ({
    stdin: Readable.from([stdin]),
    stdout: new Writable(),
    stderr: new Writable(),
    cwd: () => '/',
  }) as unknown as CommandIo;
const toolOf = (properties: object, more: object = {}) =>
  ({ name: 't', inputSchema: { type: 'object', properties, ...more } }) as Tool;
const read = (args: string | undefined, pairs: string[], tool: Tool = toolOf({}), stdin?: string) =>
  readArguments(args, pairs, tool, io(stdin));

describe('the value of --arg', () => {
  const $defs = {
    Count: { type: 'integer' },
    Again: { $ref: '#/$defs/Count' },
    'a/b': { type: 'boolean' },
    Ring: { $ref: '#/$defs/Ring' },
  };
  test.each<[string, unknown, string, unknown]>([
    ['a type', { type: 'integer' }, '5', 5],
    ['no type', {}, '5', '5'],
    ['a text', { type: 'string' }, '007', '007'],
    ['anyOf with null', { anyOf: [{ type: 'integer' }, { type: 'null' }] }, '5', 5],
    ['null itself', { anyOf: [{ type: 'integer' }, { type: 'null' }] }, 'null', null],
    ['oneOf with null', { oneOf: [{ type: 'boolean' }, { type: 'null' }] }, 'true', true],
    ['a list', { anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'null' }] }, '["x"]', ['x']],
    ['an object', { type: ['object', 'null'] }, '{"a":[1,{"b":null}]}', { a: [1, { b: null }] }],
    ['a text or null', { anyOf: [{ type: 'string' }, { type: 'null' }] }, '5', '5'],
    ['a text or a number', { type: ['number', 'string'] }, '5', '5'],
    ['nullable of OpenAPI', { type: 'integer', nullable: true }, 'null', null],
    ['a reference', { $ref: '#/$defs/Count' }, '5', 5],
    ['a reference to a reference', { $ref: '#/$defs/Again' }, '5', 5],
    ['a reference with escapes', { $ref: '#/$defs/a~1b' }, 'true', true],
    ['a reference to nowhere', { $ref: '#/$defs/Nope' }, '5', '5'],
    ['a reference to itself', { $ref: '#/$defs/Ring' }, '5', '5'],
    ['a reference elsewhere', { $ref: 'https://example.com/x' }, '5', '5'],
    ['allOf', { allOf: [{ type: 'integer' }, { minimum: 1 }] }, '5', 5],
    ['allOf of references', { allOf: [{ $ref: '#/$defs/Count' }], description: 'x' }, '5', 5],
    [
      'choices within choices',
      { anyOf: [{ oneOf: [{ type: 'number' }] }, { $ref: '#/$defs/Count' }] },
      '1.5',
      1.5,
    ],
    ['numbers to choose from', { enum: [1, 2, 3] }, '2', 2],
    ['texts to choose from', { enum: ['1', '2'] }, '2', '2'],
    ['both to choose from', { enum: [1, 'auto'] }, 'auto', 'auto'],
    ['both to choose from, a number', { enum: [1, 'auto'] }, '1', 1],
    ['choices with a type', { type: 'integer', enum: [1, 2] }, '2', 2],
    ['choices of branches', { anyOf: [{ const: 1 }, { enum: [2, 3] }] }, '3', 3],
    ['a constant', { const: true }, 'true', true],
    ['an unknown type', { type: 'float' }, '1.5', 1.5],
    ['an unknown type of text', { type: 'date' }, 'tomorrow', 'tomorrow'],
    ['the schema true', true, '5', '5'],
    ['a list of choices that is none', { anyOf: 'x', enum: 5 }, '5', '5'],
  ])('is read by the schema: %s', async (_what, schema, given, value) => {
    expect(await read(undefined, [`key=${given}`], toolOf({ key: schema }, { $defs }))).toEqual({
      key: value,
    });
  });

  test.each<[string, object]>([
    ['allOf', { allOf: [{ properties: { key: { type: 'integer' } } }] }],
    ['oneOf', { oneOf: [{ properties: { other: {} } }, { properties: { key: { type: 'integer' } } }] }],
    ['a reference', { $ref: '#/$defs/Args', $defs: { Args: { properties: { key: { type: 'integer' } } } } }],
  ])('is read by the schema of the whole: %s', async (_what, more) => {
    const tool = { name: 't', inputSchema: { type: 'object', ...more } } as Tool;
    expect(await read(undefined, ['key=5'], tool)).toEqual({ key: 5 });
  });

  test.each<[string, unknown, RegExp]>([
    ['ten', { type: 'integer' }, /--arg key must be of the type integer, written as JSON, got ten/],
    ['ten', { enum: [1, 2] }, /--arg key must be one of 1, 2/],
    ['007', { type: 'integer' }, /got 007: it is no valid JSON/],
    ['a', { type: 'array' }, /of the type array/],
  ])('%s is refused where it cannot be of its type', async (given, schema, message) => {
    const failure = read(undefined, [`key=${given}`], toolOf({ key: schema }));
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toBeInstanceOf(UsageError);
  });

  test('of a key that is given twice is refused', async () => {
    await expect(read(undefined, ['a=1', 'a=2'])).rejects.toThrow('--arg a is given twice');
  });

  test('stands over the one of --args', async () => {
    expect(await read('{"a":1,"b":2}', ['a=x'])).toEqual({ a: 'x', b: 2 });
  });

  test('of an inherited name is a text', async () => {
    expect(await read(undefined, ['toString=5'])).toEqual({ toString: '5' });
  });
});

describe('a number that cannot be sent as it is written', () => {
  const id = toolOf({ id: { type: 'integer' }, ids: { type: 'array' } });
  test.each([
    ['725653563933458432', 'it would be sent as 725653563933458400'],
    ['9007199254740993', 'it would be sent as 9007199254740992'],
    ['-725653563933458437', 'it would be sent as -725653563933458400'],
    ['9007199254740993.0', 'it would be sent as 9007199254740992'],
    ['1e999', 'it is too large for any number'],
  ])('%s is refused wherever it stands', async (number, why) => {
    await expect(read(undefined, [`id=${number}`], id)).rejects.toThrow(why);
    await expect(read(undefined, [`ids=[1,${number}]`], id)).rejects.toThrow('--arg ids has the number');
    await expect(read(`{"id":${number}}`, [], id)).rejects.toThrow('--args has the number');
    await expect(read(`{"a":[{"b":${number}}]}`, [], id)).rejects.toThrow(why);
    await expect(read('-', [], id, `{"id":${number}}`)).rejects.toThrow(why);
  });

  test.each(['9007199254740991', '-9007199254740991', '9007199254740992', '1e21', '0.1', '1e-7'])(
    '%s is sent',
    async number => {
      expect(await read(undefined, [`id=${number}`], id)).toEqual({ id: Number(number) });
      expect(await read(`{"id":${number}}`, [], id)).toEqual({ id: Number(number) });
    },
  );

  test('is sent as a text where the tool takes one', async () => {
    const either = toolOf({ id: { type: ['integer', 'string'] } });
    expect(await read(undefined, ['id=725653563933458437'], either)).toEqual({ id: '725653563933458437' });
    expect(await read('{"id":"725653563933458437"}', [])).toEqual({ id: '725653563933458437' });
  });
});

describe('a key that cannot be sent', () => {
  test.each([
    ['{"a":1,"a":2}', /^--args (from standard input )?has the key "a" twice/],
    ['{"a":1,"a":1}', /"a" twice/],
    ['{"x":[{"b":{"c":1,"c":2}}]}', /"c" twice/],
    ['{"a":1,"\\u0061":2}', /"a" twice/],
    ['{"__proto__":{"x":1}}', /"__proto__"/],
    ['{"a":{"__proto__":{"x":1}}}', /"__proto__"/],
    ['{"\\u005f_proto__":1}', /"__proto__"/],
    ['{"constructor":{"prototype":{"x":1}}}', /"constructor"/],
    ['{"a":{"constructor":{"prototype":{"x":1}}}}', /"prototype"/],
    ['{"prototype":1}', /"prototype"/],
  ])('is refused: %s', async (args, message) => {
    const failure = read(args, []);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toBeInstanceOf(UsageError);
    await expect(read('-', [], undefined, args)).rejects.toThrow(message);
  });

  test.each(['__proto__', 'constructor', 'prototype'])('is refused with --arg: %s', async key => {
    await expect(read(undefined, [`${key}=1`])).rejects.toThrow(`--arg has the key "${key}"`);
  });

  test.each(['{"a":{"b":1},"c":{"b":2}}', '{"a":[{"b":1},{"b":2}]}', '{"a":{"constructor":"Ferrari"}}'])(
    'is not among %s',
    async args => {
      expect(await read(args, [])).toEqual(JSON.parse(args));
    },
  );

  test('may be one that the schema names', async () => {
    const tool = toolOf({ constructor: { type: 'string' } });
    const sent = await read(undefined, ['constructor=Ferrari'], tool);
    expect(Object.entries(sent)).toEqual([['constructor', 'Ferrari']]);
    expect(Object.entries(await read('{"constructor":"Ferrari"}', [], tool))).toEqual([
      ['constructor', 'Ferrari'],
    ]);
  });
});

test('JSON that is nested too deeply is said to be so', async () => {
  const deep = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
  await expect(read(deep, [])).rejects.toThrow('--args is no valid JSON: it is nested too deeply');
});
