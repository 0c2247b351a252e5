import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../../../src/errors.js';
import {
  type ObservabilityOptions,
  observabilitySettings,
} from '../../../src/server/observability/options.js';

describe('observability options', () => {
  test('have defaults', () => {
    expect(observabilitySettings({}, 'info')).toEqual({
      metricsPrefix: 'mcp_await_',
      alertOnFailureRate: 0.05,
      alertOnMeanOverSla: 1,
      alertWindowSeconds: 300,
      alertIntervalSeconds: 30,
      alertMinTasks: 10,
      logLevel: 'info',
    });
  });

  test.each<[ObservabilityOptions, string]>([
    [{ metricsPrefix: '1st_' }, '`observability.metricsPrefix` to be letters'],
    [{ metricsPrefix: 'a:b' }, 'got "a:b"'],
    [{ alertOnFailureRate: 1.1 }, '`observability.alertOnFailureRate` to be a number from 0 to 1, got 1.1'],
    [{ alertOnFailureRate: Number.NaN }, 'a number from 0 to 1'],
    [{ alertOnMeanOverSla: 0 }, 'a positive number, got 0'],
    [{ alertWindowSeconds: -1 }, 'a positive number, got -1'],
    [{ alertIntervalSeconds: Number.POSITIVE_INFINITY }, 'a positive number'],
    [{ alertMinTasks: 1.5 }, 'a whole number of at least 1, got 1.5'],
    [{ logLevel: 'loud' as never }, '"error" or "warn" or "info" or "debug", got "loud"'],
  ])('%j is refused', (options, message) => {
    expect(() => observabilitySettings(options, 'info')).toThrow(ConfigurationError);
    expect(() => observabilitySettings(options, 'info')).toThrow(message);
  });
});
