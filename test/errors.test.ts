import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  AwaitTimeoutError,
  type CircuitOpenError,
  ConfigurationError,
  isAwaitError,
  type TimeoutBudget,
} from '../src/index.js';

describe('isAwaitError', () => {
  const timeout: unknown = new AwaitTimeoutError('late', { budget: 'deadline' });

  it.each([
    { thrown: timeout, code: undefined, expected: true },
    { thrown: timeout, code: 'AWAIT_TIMEOUT', expected: true },
    { thrown: timeout, code: 'CONFIGURATION', expected: false },
    { thrown: new Error('late', { cause: timeout }), code: undefined, expected: false },
    {
      thrown: Object.assign(new Error('late'), { code: 'AWAIT_TIMEOUT' }),
      code: 'AWAIT_TIMEOUT',
      expected: false,
    },
    { thrown: { ...(timeout as object) }, code: undefined, expected: false },
    { thrown: undefined, code: undefined, expected: false },
  ] as const)('of $thrown, asked for $code: $expected', ({ thrown, code, expected }) => {
    expect(code === undefined ? isAwaitError(thrown) : isAwaitError(thrown, code)).toBe(expected);
  });

  it('narrows to the class of the code', () => {
    if (!isAwaitError(timeout, 'AWAIT_TIMEOUT')) throw timeout;
    expectTypeOf(timeout.budget).toEqualTypeOf<TimeoutBudget>();
    expect(timeout.budget).toBe('deadline');
  });

  it('narrows to every class without a code, told apart by it', () => {
    const error: unknown = new ConfigurationError('wrong');
    if (!isAwaitError(error)) throw error;
    if (error.code === 'CIRCUIT_OPEN') expectTypeOf(error).toEqualTypeOf<CircuitOpenError>();
    expect(error.code).toBe('CONFIGURATION');
  });

  it('leaves no trace of the brand in what is printed', () => {
    expect(Reflect.ownKeys(new ConfigurationError('wrong')).filter(key => typeof key === 'symbol')).toEqual(
      [],
    );
  });
});
