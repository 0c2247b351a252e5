import { describe, expect, test } from 'vitest';
import { toStorableEnd } from '../../src/engine/storable-end.js';

const completed = (result: unknown) => ({ status: 'completed', result }) as const;

describe('the end of a task', () => {
  test.each([
    [{ a: 1 }, '{"a":1}'],
    [null, 'null'],
    [undefined, 'null'],
    [() => {}, 'null'],
  ])('with the result %j is stored as %s', (result, expected) => {
    expect(toStorableEnd(completed(result), 100)).toEqual({
      status: 'completed',
      result: expected,
      error: null,
    });
  });

  test.each([
    ['ab', 4],
    ['é', 4],
    ['🎉', 6],
  ])('counts the result %j as %i bytes', (result, bytes) => {
    expect(toStorableEnd(completed(result), bytes).status).toBe('completed');
    const tooLarge = toStorableEnd(completed(result), bytes - 1);
    expect(JSON.parse(tooLarge.error ?? '')).toEqual({
      code: 'RESULT_TOO_LARGE',
      message: `The result has ${bytes} bytes of JSON, more than the ${bytes - 1} that this server keeps.`,
      retryable: false,
    });
  });

  test('says why a result is no JSON', () => {
    const end = toStorableEnd(completed({ count: 1n }), 100);
    expect(JSON.parse(end.error ?? '')).toMatchObject({
      code: 'INVALID_RESULT',
      message: expect.stringMatching(/^The result is no JSON value: .*BigInt/),
    });
  });
});
