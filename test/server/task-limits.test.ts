import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../../src/errors.js';
import { taskLimits } from '../../src/server/task-limits.js';

describe('the limits of tasks', () => {
  test('have defaults', () => {
    expect(taskLimits({})).toEqual({
      ttlSeconds: 86_400,
      maxTtlSeconds: 604_800,
      defaultTimeoutSeconds: 120,
      inputTimeoutSeconds: 86_400,
      retryAttempts: 0,
      maxUnfinishedPerPrincipal: 10_000,
      maxHeldCalls: 1000,
    });
  });

  test('keep what is given; the default time to live is never above the largest', () => {
    const given = {
      ttlSeconds: 0.5,
      maxTtlSeconds: 60,
      defaultTimeoutSeconds: 0.1,
      inputTimeoutSeconds: 2,
      retryAttempts: 10,
      maxUnfinishedPerPrincipal: 1,
      maxHeldCalls: 2,
    };
    expect(taskLimits(given)).toEqual(given);
    expect(taskLimits({ maxTtlSeconds: 3600 })).toMatchObject({ ttlSeconds: 3600 });
  });

  test.each([
    [{ ttlSeconds: 0 }, 'Expected `ttlSeconds` to be a positive number, got 0'],
    [{ ttlSeconds: Number.NaN }, 'Expected `ttlSeconds` to be a positive number, got NaN'],
    [
      { ttlSeconds: 604_801 },
      'Expected `ttlSeconds` to be at most `maxTtlSeconds`, which is 604800, got 604801',
    ],
    [{ ttlSeconds: 90, maxTtlSeconds: 80 }, 'at most `maxTtlSeconds`, which is 80, got 90'],
    [{ maxTtlSeconds: 59 }, 'Expected `maxTtlSeconds` to be a number of at least 60, got 59'],
    [
      { maxTtlSeconds: Number.POSITIVE_INFINITY },
      'Expected `maxTtlSeconds` to be a number of at least 60, got Infinity',
    ],
    [{ defaultTimeoutSeconds: 0 }, 'Expected `defaultTimeoutSeconds` to be a positive number, got 0'],
    [{ inputTimeoutSeconds: -1 }, 'Expected `inputTimeoutSeconds` to be a positive number, got -1'],
    [{ retryAttempts: 11 }, 'Expected `retryAttempts` to be a whole number from 0 to 10, got 11'],
    [
      { maxUnfinishedPerPrincipal: 0 },
      'Expected `maxUnfinishedPerPrincipal` to be a whole number of at least 1, got 0',
    ],
    [{ maxHeldCalls: 1.5 }, 'Expected `maxHeldCalls` to be a whole number of at least 1, got 1.5'],
    [{ retryAttempts: 0.5 }, 'Expected `retryAttempts` to be a whole number from 0 to 10, got 0.5'],
  ])('refuse %o', (options, message) => {
    expect(() => taskLimits(options)).toThrow(ConfigurationError);
    expect(() => taskLimits(options)).toThrow(message);
  });
});
