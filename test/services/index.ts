import { execFileSync } from 'node:child_process';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe } from 'vitest';
import { unavailable } from '../conformance/newer-node.js';
import { type AwsServices, startAws } from './aws.js';
import { chromiumFile, startChromium } from './chromium.js';
import { startPostgres } from './postgres.js';
import { startRedis } from './redis.js';
import type { Service } from './service-process.js';

const SERVICES = {
  Redis: { program: 'redis-server', start: startRedis },
  PostgreSQL: { program: 'initdb', start: startPostgres },
};

export type ServiceName = keyof typeof SERVICES;

export const SERVICE_NAMES: readonly ServiceName[] = ['Redis', 'PostgreSQL'];

/**
 * Tests that need a database server of their own. Where its program is not installed they are skipped by name; with
 * `REQUIRE_SERVICES=1` they fail.
 */
export function describeWith(name: ServiceName, title: string, body: (service: () => Service) => void): void {
  const { program, start } = SERVICES[name];
  const unavailable = isInstalled(program) ? undefined : `${program} is not installed`;
  describeWithServer({ title, unavailable, start }, body);
}

/** As `describeWith`, with emulators of DynamoDB and SQS. */
export function describeWithAws(title: string, body: (aws: () => AwsServices) => void): void {
  describeWithServer({ title, unavailable, start: startAws }, body);
}

/** As `describeWith`, with a browser. */
export function describeWithChromium(title: string, body: (browser: () => Browser) => void): void {
  const unavailable = chromiumFile === undefined ? 'chromium is not installed' : undefined;
  describeWithServer({ title, unavailable, start: startChromium }, started => body(() => started().browser));
}

interface ServerTests<Server> {
  readonly title: string;
  readonly unavailable: string | undefined;
  readonly start: () => Promise<Server>;
}

function describeWithServer<Server extends { remove(): Promise<void> }>(
  { title, unavailable, start }: ServerTests<Server>,
  body: (server: () => Server) => void,
): void {
  const absent = (): never => {
    throw new Error('The server has not been started.');
  };
  if (unavailable !== undefined && process.env.REQUIRE_SERVICES !== '1') {
    describe.skip(`${title} (${unavailable})`, () => body(absent));
    return;
  }
  describe(title, () => {
    let server: Server | undefined;
    beforeAll(async () => {
      server = await start();
    }, 120_000);
    afterAll(async () => server?.remove());
    body(() => server ?? absent());
  });
}

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
