// How long a person waits for a command, and a host for the first answers of a server, beside what Node and the SDK take.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JournalFile } from '../dist/client/journal/journal-file.js';
import { BIN, PLAIN_SERVER } from './bundled-server.js';
import { median, ms, printTable, ratio, timed } from './measure.js';

const DRIVER = new URL('../dist/storage/driver.js', import.meta.url).href;
const ROUNDS = 11;
const COMMANDS = [['--help'], ['--version'], ['list'], ['status', '0123']];
const WITH_JOURNAL = [['list'], ['status', '0123']];
const COMMAND_TARGET = 1.3;
const PLAIN = [PLAIN_SERVER];
const SERVERS = { serve: [BIN, 'serve'], proxy: [BIN, 'proxy', '--', process.execPath, ...PLAIN] };
const SERVER_TARGET = 1;

const CLIENT = { name: 'bench', version: '1' };
const META = 'io.modelcontextprotocol';
const discover = {
  id: 1,
  method: 'server/discover',
  params: {
    _meta: {
      [`${META}/protocolVersion`]: '2026-07-28',
      [`${META}/clientInfo`]: CLIENT,
      [`${META}/clientCapabilities`]: {},
    },
  },
};
const initialize = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: CLIENT },
};
const list = { id: 2, method: 'tools/list', params: {} };
const QUESTIONS = {
  'server/discover': [discover],
  initialize: [initialize],
  'initialize, then tools/list': [initialize, { method: 'notifications/initialized' }, list],
};

export async function coldStart() {
  const home = mkdtempSync(join(tmpdir(), 'cold-start-'));
  const env = { ...process.env, MCP_AWAIT_HOME: home };
  try {
    commands(env);
    await servers(env);
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

function commands(env) {
  const rows = [];
  const measure = (name, args) => {
    const [bare, ours] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      bare.push(timesOf(['-e', '0'], env));
      ours.push(timesOf(args, env));
    }
    const [processor, clock] = ['processorMs', 'clockMs'].map(what =>
      [bare, ours].map(runs => median(runs.map(run => run[what]))),
    );
    const ratios = [processor, clock].map(([least, taken]) => taken / least);
    rows.push([
      name,
      ...processor.map(ms),
      ...ratios.map(ratio),
      ratios[0] < COMMAND_TARGET ? 'met' : 'MISSED',
    ]);
  };
  for (const words of COMMANDS) measure(`mcp-await ${words.join(' ')}`, [BIN, ...words]);
  const journal = join(env.MCP_AWAIT_HOME, 'journal.db');
  new JournalFile(journal).close();
  for (const words of WITH_JOURNAL) measure(`mcp-await ${words.join(' ')}, with a journal`, [BIN, ...words]);
  const opening = `import('${DRIVER}').then(({ openConnection }) => openConnection('${journal}', { timeoutMs: 10 }).close())`;
  measure('SQLite alone: load it, open a file, close it', ['-e', opening]);
  const title = `Commands from a cold start, processor time of ${ROUNDS} runs in turn (target: under ${ratio(COMMAND_TARGET)} of bare Node)`;
  printTable(title, ['command', 'node -e 0', 'ours', 'ratio', 'ratio of the clock', 'target'], rows);
}

/** What Node takes for a command, as bash tells. */
function timesOf(args, env) {
  const script = 'TIMEFORMAT="%3R %3U %3S"; time "$@" >/dev/null 2>&1';
  const { stderr } = spawnSync('bash', ['-c', script, 'bash', process.execPath, ...args], {
    env: { ...env, LC_ALL: 'C' },
    encoding: 'utf8',
  });
  const [clockMs, userMs, systemMs] = stderr.split(' ').map(seconds => Number(seconds) * 1000);
  return { clockMs, processorMs: userMs + systemMs };
}

async function servers(env) {
  const rows = [];
  for (const [name, command] of Object.entries(SERVERS)) {
    for (const [question, requests] of Object.entries(QUESTIONS)) {
      const [plain, ours] = await inTurn(
        () => untilAnswered(PLAIN, requests, env),
        () => untilAnswered(command, requests, env),
      );
      rows.push(row(`${name}: ${question}`, plain, ours, SERVER_TARGET));
    }
  }
  const title = `First answers on the standard streams from the second start on, ${ROUNDS} runs in turn (target: no slower than a plain SDK server)`;
  printTable(title, ['server: request', 'plain SDK server', 'ours', 'ratio', 'target'], rows);
}

/** The first round is not counted: it fills the disk's cache, and what a server remembers of its answers. */
async function inTurn(first, second) {
  const times = [[], []];
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, work] of [first, second].entries()) {
      const { elapsedMs, value } = await timed(work);
      if (round > 0) times[index].push(typeof value === 'number' ? value : elapsedMs);
    }
  }
  return times.map(median);
}

/** Milliseconds from the start of a server to its answer to the last of the requests; settles when it has ended. */
async function untilAnswered(args, requests, env) {
  const beganAt = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const exited = once(child, 'exit');
  for (const request of requests) child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...request })}\n`);
  const { id } = requests.at(-1);
  let text = '';
  for await (const chunk of child.stdout) {
    text += chunk;
    if (
      text
        .split('\n')
        .slice(0, -1)
        .some(line => JSON.parse(line).id === id)
    )
      break;
  }
  const elapsedMs = performance.now() - beganAt;
  child.stdin.end();
  await exited;
  return elapsedMs;
}

function row(name, theirs, ours, target) {
  const times = ours / theirs;
  return [name, ms(theirs), ms(ours), ratio(times), times < target ? 'met' : 'MISSED'];
}
