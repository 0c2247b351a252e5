import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort } from '../fixtures/free-port.js';
import { connectHttp } from '../fixtures/server/connected-http.js';
import { describeWith } from '../services/index.js';
import { killed, launch } from '../services/service-process.js';
import { newWorkplace, type Workplace } from './command.js';

const PASSWORD = 'hunter2-is-no-secret';

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

/** One line, which says neither a password nor where in the code it came from. */
async function expectRefusal(url: string, message: RegExp, code: number): Promise<void> {
  for (const command of [['stats'], ['worker'], ['serve', '--http', '--offer-sleep', '--port', '0']]) {
    const { code: exitCode, stdout, stderr } = await place.run([...command, '--store', url]);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).not.toContain(PASSWORD);
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' });
  }
}

it.each(['redis://app:P@127.0.0.1:PORT', 'postgres://app:P@127.0.0.1:PORT/tasks'])(
  '%s where nothing listens is told after some seconds, with exit code 5',
  async form => {
    const url = form.replace('P@', `${PASSWORD}@`).replace('PORT', String(await freePort()));
    const { code, stderr } = await place.run(['stats', '--store', url]);
    expect(stderr).toMatch(
      /^The store \S+ cannot be opened: connect ECONNREFUSED .*Check that it is running/,
    );
    expect(stderr).not.toContain(PASSWORD);
    expect(code).toBe(5);
  },
);

it('the password of a store is in no output of config, load and run, and in no argument of a child', async () => {
  const store = `redis://app:${PASSWORD}@127.0.0.1:${await freePort()}`;
  const config = await place.run(['config', '--store', store]);
  expect(config.stdout).toContain('redis://***@127.0.0.1');
  const load = place.start(['load', '--tasks', '1', '--store', store]);
  const relay = place.start(['serve', '--store', store]);
  const childrenOf = (pid: number | undefined) =>
    execFileSync('ps', ['-A', '-o', 'ppid=,args='], { encoding: 'utf8' })
      .split('\n')
      .filter(line => Number(line.trim().split(' ')[0]) === pid);
  for (const { process } of [load, relay]) {
    await expect.poll(() => childrenOf(process.pid), { timeout: 10_000 }).toHaveLength(1);
    expect(childrenOf(process.pid).join()).not.toContain(PASSWORD);
  }
  const said = await Promise.all([load.finished, relay.finished]);
  for (const { stdout, stderr } of [config, ...said]) expect(stdout + stderr).not.toContain(PASSWORD);
});

describeWith('Redis', 'a Redis that cannot keep tasks', service => {
  const at = (path: string, login = '') => service().url.replace('//', `//${login}`) + path;
  async function configure(...settings: string[]): Promise<void> {
    const redis = new Redis(service().url);
    await redis.call('CONFIG', 'SET', ...settings);
    redis.disconnect();
  }

  it('is told in one line, with exit code 2: wrong password, wrong database, a replica', async () => {
    await expectRefusal(at('', `app:${PASSWORD}@`), /WRONGPASS.*Check the user name and the password/, 2);
    await expectRefusal(at('/99'), /cannot be opened: ERR DB index is out of range\.\n$/, 2);
    const redis = new Redis(service().url);
    await redis.replicaof('127.0.0.1', '1');
    await expectRefusal(at(''), /it is a replica, which takes no tasks\. Name its primary/, 2);
    await redis.replicaof('NO', 'ONE');
    redis.disconnect();
  });

  it('or may drop them is told in the log, and BullMQ prints nothing of its own', async () => {
    await configure('maxmemory-policy', 'allkeys-lru', 'maxmemory', '100mb');
    const worker = place.start(['worker', '--store', at('')]);
    await worker.says(/Working on/);
    worker.process.kill('SIGTERM');
    const { code, stderr } = await worker.finished;
    expect(stderr).toMatch(/error The store may drop tasks .* noeviction policy=allkeys-lru\n/);
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
    expect(code).toBe(0);
    await configure('maxmemory-policy', 'noeviction', 'maxmemory', '0');
  });

  it('because it is full says so in the log and to callers, and takes tasks once it has room', async () => {
    await configure('maxmemory', '1');
    const server = place.start(['serve', '--http', '--offer-sleep', '--port', '0', '--store', at('')]);
    const [, url = ''] = await server.says(/Listening on (\S+)/);
    await server.says(/error The memory of the store is full.* maxmemory=1\n/);
    const caller = await connectHttp(url);
    const refused = (await caller.initiate('sleep', { seconds: 0 })).data.error;
    expect(refused).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    expect(refused.message).toContain('OOM');
    await configure('maxmemory', '0');
    const { data } = await caller.initiate('sleep', { seconds: 0 });
    expect((await caller.resolve(data.task_ref, 20)).data.status).toBe('completed');
  });

  it('for a certificate that nobody has named is refused, and taken with NODE_EXTRA_CA_CERTS', async context => {
    const file = (name: string) => join(place.home, name);
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', file('key.pem'), '-out', file('cert.pem')];
    execFileSync('openssl', ['req', '-x509', '-days', '2', ...key, ...subject], { stdio: 'ignore' });
    const port = await freePort();
    const tls = ['--tls-cert-file', file('cert.pem'), '--tls-key-file', file('key.pem')];
    const plain = ['--port', '0', '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes'];
    const args = [
      '--tls-port',
      String(port),
      ...tls,
      '--tls-auth-clients',
      'no',
      ...plain,
      '--dir',
      place.home,
    ];
    const server = await launch('redis-server', { args, port }).catch((error: Error) => {
      if (!error.message.includes('Bad directive')) throw error;
      return context.skip('this redis-server was built without TLS');
    });
    try {
      const flags = ['stats', '--store', `rediss://127.0.0.1:${port}`];
      const trusting = place.start(flags, { env: { NODE_EXTRA_CA_CERTS: file('cert.pem') } });
      expect(await trusting.finished).toMatchObject({ code: 0, stderr: 'The store holds no tasks.\n' });
      const { code, stderr } = await place.run(flags);
      expect(stderr).toMatch(/self-signed certificate.*NODE_EXTRA_CA_CERTS/);
      expect(code).toBe(2);
    } finally {
      await killed(server, 'SIGKILL');
    }
  });
});

describeWith('PostgreSQL', 'a PostgreSQL that cannot keep tasks', service => {
  const at = (login: string, database: string) => {
    const url = new URL(service().url);
    return `postgres://${login}@${url.host}/${database}`;
  };

  it('is told in one line, with exit code 2: no such user, no such database, no right to make tables', async () => {
    const client = new pg.Client({ connectionString: service().url });
    await client.connect();
    await client.query('CREATE ROLE weak LOGIN');
    await client.end();
    await expectRefusal(
      at(`nobody:${PASSWORD}`, 'postgres'),
      /role "nobody" does not exist.*Check the user/,
      2,
    );
    await expectRefusal(at('test', 'none'), /database "none" does not exist\. Create the database/, 2);
    await expectRefusal(at(`weak:${PASSWORD}`, 'postgres'), /permission denied.*let its user create it/, 2);
  });
});
