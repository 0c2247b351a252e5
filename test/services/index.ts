import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe } from 'vitest';
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
  if (!isInstalled(program) && process.env.REQUIRE_SERVICES !== '1') {
    describe.skip(`${title} (${program} is not installed)`, () => body(() => absent(name)));
    return;
  }
  describe(title, () => {
    let service: Service | undefined;
    beforeAll(async () => {
      service = await start();
    }, 60_000);
    afterAll(async () => service?.remove());
    body(() => service ?? absent(name));
  });
}

function absent(name: ServiceName): never {
  throw new Error(`${name} has not been started.`);
}

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
