import { describe, expect, it } from 'vitest';
import { BIN } from '../cli/command.js';
import {
  ASKING_OPERATIONS,
  FOLDER,
  type HostName,
  type HostPlan,
  install,
  LIMIT_SECONDS,
  runHost,
  SLOW_SERVER,
  unavailable,
} from './run-host.js';

/** After how long each host gives a call up, in seconds, by the setting of its own file. */
const WALL_SECONDS = 16;
/** A job that outlives the wall, and ends while `await_task` is held for the first time. */
const JOB_SECONDS = 18;
const HOLD = '10s';
const MAX_TURNS = 3;
/** n8n is 2.9 GB, and builds a database. */
const INSTALL_SECONDS = 1200;
const PORT = 3111;

const walls: Readonly<Record<HostName, object>> = {
  'claude-code': { timeout: WALL_SECONDS * 1000 },
  'claude-code-interactive': { timeout: WALL_SECONDS * 1000 },
  codex: { tool_timeout_sec: WALL_SECONDS },
  'codex-interactive': { tool_timeout_sec: WALL_SECONDS },
  'gemini-cli': { timeout: WALL_SECONDS * 1000 },
  'claude-agent-sdk': { timeout: WALL_SECONDS * 1000 },
  n8n: { timeout: WALL_SECONDS * 1000 },
};

const slow = ['--', process.execPath, SLOW_SERVER, `${FOLDER}/jobs.log`];
const proxy = [BIN, 'proxy', '--host-timeout', HOLD];
const http = ['--http', '--port', String(PORT)];
const byUrl = { type: 'http', url: `http://127.0.0.1:${PORT}/mcp` };

/** Longer than Claude Code waits for a call, of which the bundled server knows. */
const PAST_KNOWN_WALL_SECONDS = 130;

const asking = ['serve', '--operations', ASKING_OPERATIONS, '--no-builtin'];
const person = { question: 'Which color?', text: 'green' };

const render = {
  prompt: `CALL render {"seconds":${JOB_SECONDS}}`,
  result: `rendered ${JOB_SECONDS} s`,
  starts: 1,
};
const sleep = {
  prompt: `CALL sleep {"seconds":${JOB_SECONDS}}`,
  result: `"slept_seconds":${JOB_SECONDS}`,
  starts: 0,
};

interface Shape
  extends Pick<HostPlan, 'listener' | 'killThen' | 'signal' | 'isInstalled' | 'reply' | 'personThen'> {
  readonly name: string;
  readonly entry: (host: HostName) => HostPlan['entry'];
  readonly job: typeof render;
  /** The hosts that it is run with in `npm run test:world`. */
  readonly core: readonly HostName[];
  /** Those that it is run with by `npm run test:hosts`. @default ALL */
  readonly hosts?: readonly HostName[];
}

const ALL: readonly HostName[] = [
  'claude-code',
  'claude-code-interactive',
  'codex',
  'codex-interactive',
  'gemini-cli',
];

const SHAPES: readonly Shape[] = [
  {
    name: 'the proxy on the standard streams',
    entry: host => ({ command: process.execPath, args: [...proxy, ...slow], ...walls[host] }),
    job: render,
    core: ['claude-code', 'codex', 'gemini-cli'],
    hosts: [...ALL, 'claude-agent-sdk'],
  },
  {
    name: 'the proxy over HTTP',
    entry: host => ({ ...byUrl, ...walls[host] }),
    listener: [process.execPath, ...proxy, ...http, ...slow],
    job: render,
    core: ['claude-code-interactive'],
    hosts: [...ALL, 'n8n'],
  },
  {
    name: 'the bundled server on the standard streams',
    entry: () => ({ command: process.execPath, args: [BIN, 'serve'] }),
    job: sleep,
    core: ['codex'],
    hosts: [...ALL, 'claude-agent-sdk'],
  },
  {
    name: 'the bundled server over HTTP',
    entry: () => byUrl,
    listener: [process.execPath, BIN, 'serve', '--offer-sleep', ...http],
    job: sleep,
    core: [],
    hosts: [...ALL, 'n8n'],
  },
  {
    name: 'the bundled server, which is told of the wall and answers before it',
    entry: host => ({
      command: process.execPath,
      args: [BIN, 'serve', '--host-timeout', HOLD],
      ...walls[host],
    }),
    job: sleep,
    core: ['gemini-cli'],
  },
  {
    name: 'the proxy, with a host that is killed and started again',
    // Without a wall: how much of the job is left when the host is back depends on the machine.
    entry: () => ({ command: process.execPath, args: [BIN, 'proxy', ...slow] }),
    job: render,
    killThen: 'CALL await_task {}',
    core: ['gemini-cli'],
  },
  {
    name: 'the proxy, with a host whose terminal is closed, and that is started again',
    entry: () => ({ command: process.execPath, args: [BIN, 'proxy', ...slow] }),
    job: render,
    killThen: 'CALL await_task {}',
    signal: 'SIGHUP',
    core: [],
  },
  {
    name: 'the bundled server, with a job longer than the host is known to wait,',
    entry: () => ({ command: process.execPath, args: [BIN, 'serve'] }),
    job: {
      prompt: `CALL sleep {"seconds":${PAST_KNOWN_WALL_SECONDS}}`,
      result: `"slept_seconds":${PAST_KNOWN_WALL_SECONDS}`,
      starts: 0,
    },
    core: [],
    hosts: ['claude-code', 'claude-code-interactive'],
  },
  {
    // Longer than Claude Code waits; Codex and Gemini CLI wait, and so does the proxy.
    name: 'the proxy, which knows how long the host waits,',
    entry: () => ({ command: process.execPath, args: [BIN, 'proxy', ...slow] }),
    job: {
      prompt: `CALL render {"seconds":${PAST_KNOWN_WALL_SECONDS}}`,
      result: `rendered ${PAST_KNOWN_WALL_SECONDS} s`,
      starts: 1,
    },
    core: [],
    hosts: ['claude-code', 'codex', 'gemini-cli'],
  },
  {
    name: 'the proxy over HTTP, with a job longer than the host is known to wait,',
    entry: () => byUrl,
    listener: [process.execPath, BIN, 'proxy', ...http, ...slow],
    job: { prompt: 'CALL render {"seconds":70}', result: 'rendered 70 s', starts: 1 },
    core: [],
    hosts: ['n8n'],
  },
  {
    name: 'the proxy, with a question during the job',
    entry: host => ({ command: process.execPath, args: [...proxy, ...slow], ...walls[host] }),
    job: { prompt: `CALL paint {"seconds":${JOB_SECONDS}}`, result: 'painted blue', starts: 1 },
    core: [],
    hosts: ['claude-code', 'claude-code-interactive'],
  },
  {
    // `codex exec` declares that it can ask, and says no by itself.
    name: 'the proxy, with a question during the job that the host declines',
    entry: host => ({ command: process.execPath, args: [...proxy, ...slow], ...walls[host] }),
    job: { prompt: 'CALL paint {"seconds":1}', result: 'painted decline', starts: 1 },
    core: [],
    hosts: ['codex'],
  },
  {
    name: 'the proxy, with a question that a person answers in the host,',
    entry: host => ({ command: process.execPath, args: [...proxy, ...slow], ...walls[host] }),
    job: { prompt: `CALL paint {"seconds":${JOB_SECONDS}}`, result: 'painted green', starts: 1 },
    reply: person,
    core: [],
    hosts: ['claude-code-interactive', 'codex-interactive'],
  },
  {
    name: 'the bundled server, with a question during the job',
    entry: () => ({ command: process.execPath, args: [BIN, ...asking] }),
    job: { prompt: 'CALL paint {"seconds":1}', result: '"painted":"blue"', starts: 0 },
    core: [],
    hosts: ['claude-code', 'claude-code-interactive'],
  },
  {
    name: 'the bundled server, with a question that a person answers in the host,',
    entry: () => ({ command: process.execPath, args: [BIN, ...asking] }),
    job: { prompt: 'CALL paint {"seconds":1}', result: '"painted":"green"', starts: 0 },
    reply: person,
    core: [],
    hosts: ['claude-code-interactive', 'codex-interactive'],
  },
  {
    // The host cannot ask: the model tells a person what to run, and then gets the result.
    name: 'the bundled server, with a question that a person answers in a terminal,',
    entry: () => ({ command: process.execPath, args: [BIN, ...asking] }),
    job: { prompt: 'CALL paint {"seconds":1}', result: '"painted":"green"', starts: 0 },
    // The server has ended with its host, and the store of its own has nobody else who can paint.
    reply: { ...person, words: ['--', process.execPath, BIN, ...asking] },
    personThen: 'CALL resolve_task_status {"task_ref":"<task>"}',
    core: [],
    hosts: ['gemini-cli'],
  },
  {
    name: 'the proxy, with a question that a person answers in a terminal,',
    entry: () => ({
      command: process.execPath,
      args: [BIN, 'proxy', '--', process.execPath, BIN, ...asking],
    }),
    job: { prompt: 'CALL paint {"seconds":1}', result: '"painted":"green"', starts: 0 },
    reply: person,
    personThen: 'CALL await_task {"reference":"<reference>"}',
    core: ['gemini-cli'],
    hosts: ['gemini-cli'],
  },
  {
    name: 'the file that `mcp-await install` has changed',
    entry: host => ({
      command: process.execPath,
      args: [SLOW_SERVER, `${FOLDER}/jobs.log`],
      ...walls[host],
    }),
    isInstalled: true,
    job: render,
    core: ['codex'],
    hosts: ['claude-code', 'codex', 'gemini-cli'],
  },
];

const isWhole = process.env.TEST_HOSTS === '1';

/** Hosts that run at the same time: most of the time they wait, but each takes seconds to start. */
const AT_ONCE = 3;
const runs = SHAPES.flatMap(shape => (shape.hosts ?? ALL).map(host => ({ shape, host })))
  .map(({ shape, host }) => {
    const isDue = isWhole || shape.core.includes(host);
    return { shape, host, skipped: isDue ? unavailable(host) : '`npm run test:hosts` runs it' };
  })
  .toSorted((a, b) => Number(b.skipped === undefined) - Number(a.skipped === undefined));

for (let first = 0; first < runs.length; first += AT_ONCE) {
  describe('a long job', () => {
    for (const { shape, host, skipped } of runs.slice(first, first + AT_ONCE)) {
      const { name, job, entry, listener, killThen, signal, reply, personThen, isInstalled } = shape;
      const title = `through ${name} reaches the model of ${host} in at most ${MAX_TURNS} turns${job.starts === 1 ? ', started once' : ''}`;
      it.skipIf(skipped !== undefined).concurrent(
        skipped === undefined ? title : `${title} (${skipped})`,
        { timeout: (LIMIT_SECONDS + INSTALL_SECONDS) * 1000 },
        async ({ annotate }) => {
          install(host);
          const run = await runHost({
            host,
            prompt: job.prompt,
            entry: entry(host),
            ...(listener && { listener }),
            ...(killThen && { killThen }),
            ...(signal && { signal }),
            ...(reply && { reply }),
            ...(personThen && { personThen }),
            ...(isInstalled && { isInstalled }),
          });
          const facts = JSON.stringify(run);
          await annotate(`${run.turns} turns, ${run.seconds} s, ${run.starts} starts`);
          expect(run.final?.replaceAll(/[\s\\]/g, ''), facts).toContain(job.result.replaceAll(' ', ''));
          expect(run.turns, facts).toBeLessThanOrEqual(MAX_TURNS);
          expect(run.starts, facts).toBe(job.starts);
        },
      );
    }
  });
}
