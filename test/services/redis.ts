import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../fixtures/free-port.js';
import { killed, launch, type Service } from './service-process.js';

/** A Redis that keeps what it has acknowledged, also when it is killed. */
export async function startRedis(): Promise<Service> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-redis-'));
  const port = await freePort();
  const settings = { bind: '127.0.0.1', port: String(port), dir: folder, save: '', appendonly: 'yes' };
  const args = Object.entries({ ...settings, appendfsync: 'always' }).flatMap(([name, value]) => [
    `--${name}`,
    value,
  ]);
  let child: ChildProcess | undefined;
  const service: Service = {
    url: `redis://127.0.0.1:${port}`,
    async start() {
      child = await launch('redis-server', { args, port });
    },
    kill: () => killed(child, 'SIGKILL'),
    async remove() {
      await killed(child, 'SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
  await service.start();
  return service;
}
