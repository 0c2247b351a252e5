import { describe, expect, test } from 'vitest';
import { createStore } from '../engine/dynamodb/create-store.js';
import { describeWith, describeWithAws, SERVICE_NAMES } from '../services/index.js';
import { type TortureOptions, torture } from './torture.js';

/** `npm run test:torture` sets the mode. */
const seconds = Number(process.env.TORTURE_SECONDS ?? (process.env.RUN_MODE === 'torture' ? 60 : 8));
const seed = Number(process.env.TORTURE_SEED ?? Math.floor(Math.random() * 2 ** 32));
/** A broken promise is one, also where the next run keeps it. Starting, and waiting for what is still to end, take their time, too. */
const ONCE = { retry: 0, timeout: (seconds + 240) * 1000 };

describe('torture: SQLite', () => {
  test('no kill of fronts and workers breaks a promise', ONCE, () => survives('SQLite', { services: [] }));
});

for (const name of SERVICE_NAMES) {
  describeWith(name, `torture: ${name}`, service => {
    test('no kill of fronts, workers and the store breaks a promise', ONCE, () =>
      survives(name, { storeUrl: service().url, services: [service()] }),
    );
  });
}

describeWithAws('torture: DynamoDB', aws => {
  test('no kill of fronts, workers, the table and the queue breaks a promise', ONCE, async () => {
    const { dynamodb, sqs, storeUrl } = aws();
    await survives('DynamoDB', { storeUrl: storeUrl(await createStore(aws())), services: [dynamodb, sqs] });
  });
});

async function survives(
  store: string,
  options: Pick<TortureOptions, 'storeUrl' | 'services'>,
): Promise<void> {
  const report = await torture({ ...options, seed, seconds });
  const { counts, violations, oddities, violationCount } = report;
  const title = `${store}: TORTURE_SEED=${seed} TORTURE_SECONDS=${seconds}, ${violationCount} violations`;
  process.stdout.write(`\n${[title, ...counts, ...violations, ...oddities].join('\n  ')}\n`);
  expect(report.acknowledged, 'tasks acknowledged').toBeGreaterThan(0);
  expect(report.kills, 'kills').toBeGreaterThan(0);
  expect(violationCount, 'broken promises, told above').toBe(0);
}
