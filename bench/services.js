// Database servers of the benchmark's own, on free ports of the loopback address.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fetchedPackages } from '../test/conformance/fetched-packages.mjs';
import { ENVIRONMENT, PACKAGES } from '../test/services/emulator-packages.mjs';
import { withFolder } from './bundled-server.js';

const START_TIMEOUT_MS = 30_000;

/** Gives `work` the URL of a Redis that keeps what it has acknowledged as `appendfsync` says. */
export function withRedis(appendfsync, work) {
  return withFolder(async folder => {
    const port = await freePort();
    const settings = { bind: '127.0.0.1', port, dir: folder, save: '', appendonly: 'yes', appendfsync };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    return withProcess('redis-server', { args, isReady: () => answers(port) }, () =>
      work(`redis://127.0.0.1:${port}`),
    );
  });
}

/** Gives `work` the URL of a PostgreSQL as it comes: it syncs what it has acknowledged. */
export function withPostgres(work) {
  return withFolder(async folder => {
    const port = await freePort();
    const account = serverAccount();
    if (account.uid !== undefined) await chown(folder, account.uid, account.gid);
    const data = join(folder, 'data');
    await promisify(execFile)('initdb', ['-D', data, '-U', 'bench', '-A', 'trust', '--no-sync'], account);
    const args = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder];
    const url = `postgres://bench@127.0.0.1:${port}/postgres`;
    // It takes connections, and refuses them, before it is ready.
    const isReady = () => succeeds('pg_isready', ['-h', '127.0.0.1', '-p', String(port)]);
    return withProcess('postgres', { args, isReady, ...account }, () => work(url));
  });
}

/** Gives `work` the URLs of emulators of DynamoDB and SQS, those of the tests. */
export async function withAws(work) {
  Object.assign(process.env, ENVIRONMENT);
  const packages = await fetchedPackages(PACKAGES);
  return withEmulator('dynamodb-emulator.mjs', packages, endpoint =>
    withEmulator('sqs-emulator.mjs', packages, sqsEndpoint => work({ endpoint, sqsEndpoint })),
  );
}

function withEmulator(script, { node, folder: packages }, work) {
  return withFolder(async folder => {
    const port = await freePort();
    const path = fileURLToPath(new URL(`../test/services/${script}`, import.meta.url));
    const args = [path, packages, String(port), join(folder, 'data')];
    return withProcess(node, { args, isReady: () => answers(port) }, () => work(`http://127.0.0.1:${port}`));
  });
}

/** Whether a server's program is on this machine. */
export function isInstalled(program) {
  return succeeds(program, ['--version']);
}

function succeeds(program, args) {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** PostgreSQL refuses to run as root: it gets the account that its package has made. */
function serverAccount() {
  if (process.getuid?.() !== 0) return {};
  const id = flag => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function withProcess(command, { args, isReady, ...options }, work) {
  const child = spawn(command, args, { stdio: 'ignore', ...options });
  try {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await isReady())) {
      if (child.exitCode !== null || performance.now() > deadline)
        throw new Error(`${command} did not start.`);
      await sleep(20);
    }
    return await work();
  } finally {
    const exit = once(child, 'exit');
    if (child.exitCode === null && child.kill('SIGINT')) await exit;
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port) {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
