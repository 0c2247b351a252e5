import { describe, expect, test } from 'vitest';
import { describeWith, SERVICE_NAMES } from '../services/index.js';
import type { Service } from '../services/service-process.js';
import { torture } from './torture.js';

/** `npm run test:torture` sets the mode. */
const seconds = Number(process.env.TORTURE_SECONDS ?? (process.env.RUN_MODE === 'torture' ? 60 : 8));
const seed = Number(process.env.TORTURE_SEED ?? Math.floor(Math.random() * 2 ** 32));
/** A broken promise is one, also where the next run keeps it. Starting, and waiting for what is still to end, take their time, too. */
const ONCE = { retry: 0, timeout: (seconds + 240) * 1000 };

describe('torture: SQLite', () => {
  test('no kill of fronts and workers breaks a promise', ONCE, () => survives('SQLite', undefined));
});

for (const name of SERVICE_NAMES) {
  describeWith(name, `torture: ${name}`, service => {
    test('no kill of fronts, workers and the store breaks a promise', ONCE, () => survives(name, service()));
  });
}

async function survives(store: string, service: Service | undefined): Promise<void> {
  const report = await torture({ service, seed, seconds });
  const { counts, violations, oddities, violationCount } = report;
  const title = `${store}: TORTURE_SEED=${seed} TORTURE_SECONDS=${seconds}, ${violationCount} violations`;
  process.stdout.write(`\n${[title, ...counts, ...violations, ...oddities].join('\n  ')}\n`);
  expect(report.acknowledged, 'tasks acknowledged').toBeGreaterThan(0);
  expect(report.kills, 'kills').toBeGreaterThan(0);
  expect(violationCount, 'broken promises, told above').toBe(0);
}
