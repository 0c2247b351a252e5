import { describe, expect, test } from 'vitest';
import { fieldsOf } from '../../../src/cli/ask/field.js';
import { readField } from '../../../src/cli/ask/read-field.js';

function field(schema: unknown, required: string[] = []) {
  const [only] = fieldsOf({ type: 'object', properties: { it: schema }, required });
  if (only === undefined) throw new Error('There is no field');
  return only;
}

const titled = {
  type: 'string',
  oneOf: [
    { const: 'a', title: 'Apple' },
    { const: 'b', title: 'Banana' },
  ],
};
const listed = { type: 'string', enum: ['r', 'g'], enumNames: ['Red', 'Green'] };
const several = { type: 'array', items: { type: 'string', enum: ['x', 'y', 'z'] }, minItems: 1, maxItems: 2 };
const severalTitled = { type: 'array', items: { anyOf: [{ const: 'x', title: 'Ex' }] } };

describe('a line for a field', () => {
  test.each<[string, unknown, unknown]>([
    ['hello', { type: 'string' }, 'hello'],
    ['  hello ', { type: 'string' }, 'hello'],
    ['4.5', { type: 'number' }, 4.5],
    ['-4', { type: 'integer' }, -4],
    ['Y', { type: 'boolean' }, true],
    ['false', { type: 'boolean' }, false],
    ['a', titled, 'a'],
    ['banana', titled, 'b'],
    ['2', titled, 'b'],
    ['Green', listed, 'g'],
    ['x, 2', several, ['x', 'y']],
    ['x,x', several, ['x']],
    ['ex', severalTitled, ['x']],
    ['', { type: 'string', default: 'standard' }, 'standard'],
    ['', { type: 'boolean', default: false }, false],
    ['', { ...several, default: ['z'] }, ['z']],
  ])('%j is read by %j as %j', (line, schema, value) => {
    expect(readField(line, field(schema, ['it']))).toEqual({ value });
  });

  test.each<[string, unknown, RegExp]>([
    ['', { type: 'string' }, /needed/],
    ['ab', { type: 'string', minLength: 3 }, /At least 3 characters/],
    ['abcd', { type: 'string', maxLength: 3 }, /At most 3 characters/],
    ['four', { type: 'number' }, /number/],
    ['1e999', { type: 'number' }, /number/],
    ['4.5', { type: 'integer' }, /whole number/],
    ['0', { type: 'integer', minimum: 1 }, /At least 1/],
    ['perhaps', { type: 'boolean' }, /y or n/],
    ['cherry', titled, /a, b/],
    ['3', titled, /a, b/],
    ['x,w', several, /x, y, z/],
    ['x,y,z', several, /At most 2 choices/],
  ])('%j is refused by %j', (line, schema, problem) => {
    expect(readField(line, field(schema, ['it']))).toEqual({ problem: expect.stringMatching(problem) });
  });

  test('may be empty where the field need not be there', () => {
    expect(readField(' ', field({ type: 'string' }))).toEqual({ empty: true });
  });
});

test.each([[undefined], [null], ['text'], [{}], [{ properties: [] }]])(
  'the schema %j wants no fields',
  schema => {
    expect(fieldsOf(schema)).toEqual([]);
  },
);
