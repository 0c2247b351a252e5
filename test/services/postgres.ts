import { type ChildProcess, execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pRetry from 'p-retry';
import pg from 'pg';
import { freePort } from '../fixtures/free-port.js';
import { killed, launch, type Service } from './service-process.js';

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

const RETRIES = { retries: 200, factor: 1, minTimeout: 50 };

/** A PostgreSQL of its own data folder, which syncs what it has acknowledged. */
export async function startPostgres(): Promise<Service> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-postgres-'));
  const port = await freePort();
  const account = serverAccount();
  if (account.uid !== undefined && account.gid !== undefined) await chown(folder, account.uid, account.gid);
  const data = join(folder, 'data');
  await makeData(data, account);
  const args = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder];
  let child: ChildProcess | undefined;
  const service: Service = {
    url: `postgres://test@127.0.0.1:${port}/postgres`,
    async start() {
      // The processes that a killed server has forked may outlive it for a moment, and its data is theirs until then.
      child = await pRetry(() => launch('postgres', { args, port, ...account }), RETRIES);
      await untilOpen(service.url);
    },
    kill: () => killed(child, 'SIGKILL'),
    async remove() {
      // Its immediate shutdown: the processes that it has forked end with it.
      await killed(child, 'SIGQUIT');
      await rm(folder, { recursive: true, force: true });
    },
  };
  await service.start();
  return service;
}

/** Copies the new data of the run's first PostgreSQL: to make it anew takes ten times as long. */
async function makeData(data: string, account: Account): Promise<void> {
  const run = promisify(execFile);
  const { RUN_FOLDER: folder } = process.env;
  const copied = folder === undefined ? undefined : join(folder, 'postgres');
  if (copied !== undefined && existsSync(copied)) {
    await run('cp', ['-r', copied, data], account);
    return;
  }
  await run('initdb', ['-D', data, '-U', 'test', '-A', 'trust', '--no-sync'], account);
  if (copied === undefined) return;
  const copy = `${copied}-${process.pid}`;
  await run('cp', ['-r', data, copy], account);
  // Another file may have been faster.
  await rename(copy, copied).catch(() => rm(copy, { recursive: true }));
}

/** It answers before it lets anybody in. */
async function untilOpen(connectionString: string): Promise<void> {
  const connect = async () => {
    const client = new pg.Client({ connectionString });
    await client.connect();
    await client.end();
  };
  await pRetry(connect, RETRIES);
}

/** PostgreSQL refuses to run as root: it gets the account that its package has made. */
function serverAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
