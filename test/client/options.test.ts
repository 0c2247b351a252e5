import { expect, test } from 'vitest';
import { AwaitClient } from '../../src/client/await-client.js';
import { defaultWaitOptions, resolveWaitOptions, type WaitOptions } from '../../src/client/options.js';
import { ConfigurationError } from '../../src/errors.js';
import { awaitFixture, failureOf } from '../fixtures/client/await-fixture.js';
import { text } from '../fixtures/client/scripted-server.js';

const resolve = (given: object) => resolveWaitOptions(given as WaitOptions, defaultWaitOptions);

test.each<[object, string]>([
  [{ maxAttempts: 0 }, 'Expected `maxAttempts` to be a positive integer, got 0'],
  [{ maxAttempts: 1.5 }, 'Expected `maxAttempts` to be a positive integer, got 1.5'],
  [{ maxAttempts: '3' }, 'Expected `maxAttempts` to be a positive integer, got 3'],
  [{ maxAttempts: Number.NaN }, 'Expected `maxAttempts` to be a positive integer, got NaN'],
  [{ initialIntervalMs: 0 }, 'Expected `initialIntervalMs` to be a positive number, got 0'],
  [{ initialIntervalMs: '1s' }, 'Expected `initialIntervalMs` to be a positive number, got 1s'],
  [{ maxIntervalMs: -1 }, 'Expected `maxIntervalMs` to be a positive number, got -1'],
  [{ backoffMultiplier: Number.NaN }, 'Expected `backoffMultiplier` to be a positive number, got NaN'],
  [{ jitter: 1.1 }, 'Expected `jitter` to be a number from 0 to 1, got 1.1'],
  [{ jitter: -0.1 }, 'Expected `jitter` to be a number from 0 to 1, got -0.1'],
  [{ deadlineMs: 0 }, 'Expected `deadlineMs` to be a positive number, got 0'],
  [{ deadlineMs: null }, 'Expected `deadlineMs` to be a positive number, got null'],
  [{ requestTimeoutMs: 0 }, 'Expected `requestTimeoutMs` to be a positive number, got 0'],
  [{ requestRetries: -1 }, 'Expected `requestRetries` to be a non-negative integer, got -1'],
  [{ silenceTimeoutMs: 0 }, 'Expected `silenceTimeoutMs` to be a positive number, got 0'],
  [{ cancelOnAbort: 'yes' }, 'Expected `cancelOnAbort` to be true or false, got yes'],
])('%j is refused: %s', (given, message) => {
  expect(() => resolve(given)).toThrow(ConfigurationError);
  expect(() => resolve(given)).toThrow(message);
});

test.each<[object]>([
  [{ maxAttempts: Number.POSITIVE_INFINITY }],
  [{ deadlineMs: Number.POSITIVE_INFINITY }],
  [{ jitter: 0 }],
  [{ jitter: 1 }],
  [{ requestRetries: 0 }],
  [{ backoffMultiplier: 0.5 }],
  [{ silenceTimeoutMs: Number.POSITIVE_INFINITY }],
])('%j is taken', given => {
  expect(resolve(given)).toEqual({ ...defaultWaitOptions, ...given });
});

test('options that are undefined, or that are none of ours, leave the defaults as they are', () => {
  expect(resolve({ maxAttempts: undefined, signal: new AbortController().signal })).toEqual(
    defaultWaitOptions,
  );
  expect(resolveWaitOptions(undefined, defaultWaitOptions)).toBe(defaultWaitOptions);
});

test('a client refuses options that make no sense when it is made, a call when it is begun', async () => {
  const { client, server } = await awaitFixture({ greet: text('hi') });
  expect(() => new AwaitClient(server.client, { maxAttempts: 0 })).toThrow(ConfigurationError);
  const failures = [
    client.callTool({ name: 'greet' }, undefined, { jitter: 7 }),
    client.startTool({ name: 'greet' }, { jitter: 7 }),
    client.resumeTask(
      { version: 1, protocol: 'tool-pair', tool: 'x', handle: {}, startedAt: '' },
      { jitter: 7 },
    ),
    AwaitClient.connect('http://127.0.0.1:9/mcp', { jitter: 7 }),
  ];
  for (const failure of failures) expect(await failureOf(failure)).toBeInstanceOf(ConfigurationError);
  expect(server.calls).toEqual([]);
});
