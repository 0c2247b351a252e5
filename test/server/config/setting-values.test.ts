import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../../../src/errors.js';
import { sections } from '../../../src/server/config/config-schema.js';
import { settingValues } from '../../../src/server/config/setting-values.js';

const { server, state, execution, observability } = sections;
const settings = { concurrency: execution.maxConcurrency, principalShare: execution.principalShare };

describe('options that are settings', () => {
  test('are what is given, else the default of the setting', () => {
    expect(settingValues(settings, { concurrency: 3 })).toEqual({ concurrency: 3, principalShare: 0.8 });
  });

  test('that are not usable are refused by the name of the option', () => {
    const refused = () => settingValues(settings, { concurrency: '3' }, 'run.');
    expect(refused).toThrow(ConfigurationError);
    expect(refused).toThrow('Expected `run.concurrency` to be a whole number of at least 1, got "3"');
  });

  test('have the default in their docstrings that the setting has', () => {
    const byFile = {
      'task-limits.ts': {
        ttlSeconds: state.ttlSeconds,
        maxTtlSeconds: state.maxTtlSeconds,
        defaultTimeoutSeconds: execution.defaultTimeoutSeconds,
        inputTimeoutSeconds: execution.inputTimeoutSeconds,
        retryAttempts: execution.retryAttempts,
        maxUnfinishedPerPrincipal: execution.maxUnfinishedPerPrincipal,
        maxHeldCalls: server.maxHeldCalls,
      },
      'runtime.ts': {
        ...settings,
        maxResultBytes: state.maxResultBytes,
        leaseSeconds: state.leaseSeconds,
        keyPrefix: state.keyPrefix,
      },
      'start-worker.ts': { maxTtlSeconds: state.maxTtlSeconds },
      'start-server.ts': { inlineWindowMs: server.inlineWindowMs },
      'observability/options.ts': observability,
    };
    for (const [file, options] of Object.entries(byFile)) {
      const source = readFileSync(new URL(`../../../src/server/${file}`, import.meta.url), 'utf8');
      for (const [name, schema] of Object.entries(options)) {
        if (!('defaultValue' in schema.def)) continue;
        const [, told] = new RegExp(`@default (\\S+)[^@]*?\\*/\\s+readonly ${name}\\?`).exec(source) ?? [];
        expect(told?.replaceAll("'", ''), `${file}: ${name}`).toBe(String(schema.def.defaultValue));
      }
    }
  });
});
