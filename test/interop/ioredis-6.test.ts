import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, test, vi } from 'vitest';
import { bullmqFixture } from '../engine/bullmq/conformance-fixture.js';
import { describeEngine } from '../engine/conformance.js';
import { describeWith } from '../services/index.js';

vi.mock('ioredis', async () => {
  const { fetchedPackages } = await import('../conformance/fetched-packages.mjs');
  const { folder } = await fetchedPackages(['ioredis@6.0.0']);
  return { ...createRequire(join(folder, 'package.json'))('ioredis') };
});

describeWith('Redis', 'with ioredis 6', service => {
  test('the engine gets that version', () => {
    const redis = new Redis({ lazyConnect: true });
    // Version 5 has no such option.
    expect(redis.options).toHaveProperty('protocol');
    redis.disconnect();
  });

  describeEngine('bullmq, on Redis by ioredis 6', bullmqFixture(service));
});
