import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import type { Engine } from '../../src/engine/engine.js';
import { openEngine } from '../../src/engine/open-engine.js';
import { defineOperation, operationsByName } from '../../src/server/operation.js';
import type { TaskLimitOptions } from '../../src/server/task-limits.js';
import { createTaskService, type TaskService } from '../../src/server/task-service.js';

const operation = (name: string, more: { slaSeconds?: number; retryAttempts?: number } = {}) =>
  defineOperation({ name, description: 'Works.', input: z.object({}), run: async () => null, ...more });

const OPERATIONS = operationsByName([
  operation('plain'),
  operation('own', { slaSeconds: 7, retryAttempts: 2 }),
]);

const WEBHOOKS = { isOpen: true, accept: (url: string) => url, announce: async () => {} };

async function openService(
  options: TaskLimitOptions = {},
): Promise<{ engine: Engine; initiate(more: object): ReturnType<TaskService['initiate']> }> {
  const engine = await openEngine('memory:');
  onTestFinished(() => engine.close());
  const service = createTaskService({ engine, operations: OPERATIONS, webhooks: WEBHOOKS, ...options });
  return {
    engine,
    initiate: more => service.initiate('ada', { operationType: 'plain', parameters: {}, ...more }),
  };
}

describe('a task', () => {
  test('gets the SLA and the runs of its operation, else those of the server', async () => {
    const { initiate } = await openService({ defaultTimeoutSeconds: 9, retryAttempts: 4 });
    expect(await initiate({})).toMatchObject({ slaMs: 9000, retryAttempts: 4 });
    expect(await initiate({ operationType: 'own' })).toMatchObject({ slaMs: 7000, retryAttempts: 2 });
    expect(await initiate({ maxWaitSeconds: 2 })).toMatchObject({ slaMs: 2000 });
    expect(await initiate({ maxWaitSeconds: 20 })).toMatchObject({ slaMs: 9000 });
  });

  test('may run for 120 s, once, where nobody says otherwise', async () => {
    expect(await (await openService()).initiate({})).toMatchObject({ slaMs: 120_000, retryAttempts: 0 });
  });

  test.each([
    ['the default', {}, undefined, 86_400],
    ['what the server says', { ttlSeconds: 5 }, undefined, 5],
    ['what the call asks for, shorter', {}, 60, 60],
    ['what the call asks for, longer', { ttlSeconds: 5 }, 604_800, 604_800],
  ])('is kept for its time to live: %s', async (_case, options, ttlSeconds, keptSeconds) => {
    const record = await (await openService(options)).initiate({ ttlSeconds });
    expect(record.expiresAt - record.createdAt).toBe(keptSeconds * 1000);
  });

  test.each([59.9, 604_800.1, -1, Number.NaN])('is refused with a time to live of %d s', async ttlSeconds => {
    const { engine, initiate } = await openService();
    await expect(initiate({ ttlSeconds })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENTS',
      message: `This server keeps a task for 60 to 604800 seconds, \`ttl_seconds\` asks for ${ttlSeconds}. Leave it out or choose a number from this range.`,
      retryable: false,
    });
    expect(await engine.stats(1000)).toEqual([]);
  });

  test('keeps its webhook; another one or other times with the same key are no conflict', async () => {
    const { initiate } = await openService();
    const first = await initiate({ idempotencyKey: 'k', webhookUrl: 'https://example.com/a' });
    expect(first.webhookUrl).toBe('https://example.com/a');
    const more = { webhookUrl: 'https://example.com/b', ttlSeconds: 99, maxWaitSeconds: 1 };
    expect(await initiate({ idempotencyKey: 'k', ...more })).toStrictEqual(first);
    expect((await initiate({})).webhookUrl).toBeUndefined();
  });
});
