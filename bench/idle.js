// What a server costs while nobody asks it anything, beside a plain server of the SDK: all processes of each together.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { BIN, PLAIN_SERVER } from './bundled-server.js';
import { printTable, ratio } from './measure.js';

const IDLE_SECONDS = 30;
const TICKS_PER_SECOND = 100;
const SERVERS = {
  'plain SDK server': [PLAIN_SERVER],
  serve: [BIN, 'serve'],
  'proxy, its server included': [BIN, 'proxy', '--', process.execPath, PLAIN_SERVER],
};
const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } },
};
const MESSAGES = [
  initialize,
  { jsonrpc: '2.0', method: 'notifications/initialized' },
  { jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} },
];

/** Reads Linux's /proc. */
export async function idle() {
  const home = mkdtempSync(join(tmpdir(), 'idle-'));
  const children = Object.values(SERVERS).map(args =>
    spawn(process.execPath, args, {
      env: { ...process.env, MCP_AWAIT_HOME: home },
      stdio: ['pipe', 'pipe', 'ignore'],
    }),
  );
  try {
    for (const child of children) {
      child.stdout.resume();
      for (const message of MESSAGES) child.stdin.write(`${JSON.stringify(message)}\n`);
    }
    // What a start leaves to do is done by then.
    await wait(20_000);
    const before = children.map(child => usage(child.pid));
    await wait(IDLE_SECONDS * 1000);
    const after = children.map(child => usage(child.pid));
    const rows = Object.keys(SERVERS).map((name, index) => {
      const { processes, megabytes, seconds } = after[index];
      const share = ((seconds - before[index].seconds) / IDLE_SECONDS) * 100;
      const times = ratio(megabytes / after[0].megabytes);
      return [name, processes, `${megabytes.toFixed(0)} MB`, times, `${share.toFixed(2)} %`];
    });
    const title = `Idle after its first answers, ${IDLE_SECONDS} s`;
    printTable(title, ['server', 'processes', 'memory', 'ratio', 'processor'], rows);
  } finally {
    for (const child of children) child.stdin.end();
    await Promise.all(children.map(child => child.exitCode ?? once(child, 'exit')));
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Of a process and all that it has started: memory of their own with their share of what is shared, and processor time. */
function usage(root) {
  const parents = new Map();
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    const stat = read(`/proc/${pid}/stat`);
    if (stat !== '') parents.set(Number(pid), Number(fields(stat)[1]));
  }
  const isOf = pid => pid === root || (parents.has(pid) && isOf(parents.get(pid)));
  const pids = [...parents.keys()].filter(isOf);
  let kilobytes = 0;
  let ticks = 0;
  for (const pid of pids) {
    kilobytes += Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
    const [, , , , , , , , , , , user = 0, system = 0] = fields(read(`/proc/${pid}/stat`));
    ticks += Number(user) + Number(system);
  }
  return { processes: pids.length, megabytes: kilobytes / 1000, seconds: ticks / TICKS_PER_SECOND };
}

/** Those behind the name, which may have spaces: state, parent, … */
function fields(stat) {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
