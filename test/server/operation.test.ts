import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigurationError } from '../../src/errors.js';
import { defineOperation, type Operation, operationsByName } from '../../src/server/operation.js';

const valid: Operation = {
  name: 'resize_image',
  description: 'Resizes an image.',
  input: z.object({}),
  slaSeconds: 30,
  run: async () => null,
};

describe('defineOperation', () => {
  test('returns the operation as it is', () => {
    expect(defineOperation(valid)).toBe(valid);
  });

  test('takes one that leaves its SLA and its runs to the server, and one that says how often', () => {
    const { slaSeconds: _, ...short } = valid;
    expect(defineOperation(short)).toBe(short);
    for (const retryAttempts of [0, 10]) defineOperation({ ...valid, retryAttempts });
    defineOperation({ ...valid, name: 'x'.repeat(64) });
  });

  test.each<[object, string]>([
    [{ name: 'Resize' }, 'Expected `name` to be lower-case words with underscores, got "Resize"'],
    [{ name: 'resize-image' }, 'Expected `name` to be lower-case words with underscores, got "resize-image"'],
    [{ name: '_resize' }, 'Expected `name` to be lower-case words with underscores, got "_resize"'],
    [{ name: undefined }, 'Expected `name` to be lower-case words with underscores, got undefined'],
    [{ name: 'x'.repeat(65) }, 'Expected `name` to have at most 64 characters, got "xxx'],
    [{ description: ' ' }, 'Expected `description` to be a sentence, got " "'],
    [{ input: { type: 'object' } }, 'Expected `input` to be a zod 4 schema, got object'],
    [{ output: null }, 'Expected `output` to be a zod 4 schema, got null'],
    [{ slaSeconds: 0 }, 'Expected `slaSeconds` to be a positive number, got 0'],
    [{ slaSeconds: Number.POSITIVE_INFINITY }, 'Expected `slaSeconds` to be a positive number, got Infinity'],
    [{ slaSeconds: '30' }, 'Expected `slaSeconds` to be a positive number, got "30"'],
    [{ retryAttempts: -1 }, 'Expected `retryAttempts` to be a whole number from 0 to 10, got -1'],
    [{ retryAttempts: 11 }, 'Expected `retryAttempts` to be a whole number from 0 to 10, got 11'],
    [{ retryAttempts: 0.5 }, 'Expected `retryAttempts` to be a whole number from 0 to 10, got 0.5'],
    [{ retryAttempts: '1' }, 'Expected `retryAttempts` to be a whole number from 0 to 10, got "1"'],
    [{ run: [] }, 'Expected `run` to be a function, got array'],
  ])('refuses %o', (change, message) => {
    const define = () => defineOperation({ ...valid, ...change } as Operation);
    expect(define).toThrow(ConfigurationError);
    expect(define).toThrow(message);
  });

  test('infers what `run` gets and must return', () => {
    const operation = defineOperation({
      ...valid,
      input: z.object({ width: z.string().transform(Number) }),
      output: z.object({ area: z.number() }),
      run: async ({ width }) => ({ area: width * width }),
    });
    const list: readonly Operation[] = [operation];
    expect(list).toHaveLength(1);
  });
});

test('two operations of one name are refused', () => {
  expect(() => operationsByName([valid, { ...valid }])).toThrow(
    'Two operations are named resize_image: rename one of them',
  );
});
