import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newWorkplace, type Workplace } from '../command.js';
import { isRunning } from '../served.js';
import { describeOnSharedStores } from '../shared-stores.js';

const SHORT = ['--tasks', '12', '--latency', '100ms-300ms'];
/** Timing is not what these tests show: the machine may be busy with others. */
const PATIENT = ['--initiate-p99', '120s', '--json'];

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

interface Report {
  readonly passed: boolean;
  readonly statuses: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly restart: { readonly awaitedTasks: number; readonly reconnects: number } | null;
  readonly criteria: readonly { readonly name: string; readonly passed: boolean }[];
}

async function load(...flags: string[]): Promise<{ report: Report; stderr: string; stdout: string }> {
  const { code, stdout, stderr } = await place.run(['load', ...PATIENT, ...flags]);
  const report: Report = JSON.parse(stdout);
  expect(report.criteria.filter(({ passed }) => !passed)).toEqual([]);
  expect(code).toBe(0);
  return { report, stderr, stdout };
}

function startedPids(stderr: string): number[] {
  return [...stderr.matchAll(/^Started: .*process (\d+)/gm)].map(match => Number(match[1]));
}

describeOnSharedStores('load on a shared store', storeFlags => {
  it('runs all tasks and leaves no process behind', async () => {
    const { report, stderr } = await load(...SHORT, ...storeFlags(place));
    expect(report).toMatchObject({ passed: true, tasks: 12, statuses: { completed: 12 }, errors: {} });
    expect(report.criteria.map(({ name }) => name)).toEqual([
      'initiate-p99',
      'backoff',
      'all-ended',
      'no-failures',
    ]);
    expect(startedPids(stderr)).toHaveLength(1);
    expect(startedPids(stderr).filter(isRunning)).toEqual([]);
  });

  it('runs them in workers, and fails nothing when only the front was killed', async () => {
    const flags = [...storeFlags(place), '--workers', '2', '--restart', 'front', '--lease', '20s'];
    const { report, stderr } = await load('--tasks', '12', '--latency', '1s-3s', ...flags);
    expect(report).toMatchObject({
      passed: true,
      statuses: { completed: 12 },
      restart: { killed: ['front'] },
    });
    // The front, two workers, and the front again.
    expect(startedPids(stderr)).toHaveLength(4);
    expect(startedPids(stderr).filter(isRunning)).toEqual([]);
  }, 180_000);
});

// Of all stores, fronts-and-workers and the torture test show what becomes of tasks whose worker is killed.
describe('load that kills workers, on a temporary SQLite file', () => {
  it('ends every task although front and worker were killed in the middle', async () => {
    // Without sessions, a front that is back before the next request is never missed: held requests break in any case.
    const flags = ['--workers', '2', '--restart', '--lease', '3s', '--long-poll'];
    const { report } = await load('--tasks', '12', '--latency', '1s-4s', ...flags);
    expect(report.restart).toMatchObject({ killed: ['front', 'worker 1'] });
    expect(report.restart?.reconnects).toBeGreaterThan(0);
    const { completed = 0, failed = 0 } = report.statuses;
    expect(completed + failed).toBe(12);
    expect(completed).toBeGreaterThan(0);
  }, 180_000);

  it('tells the tasks of a server that ran them itself as lost, within the lease', async () => {
    const flags = ['--restart', '--lease', '2s'];
    // Of this seed, some tasks still run in the middle and some have ended; by chance, all may have.
    const { report } = await load('--tasks', '6', '--latency', '3s-9s', '--seed', '6', ...flags);
    expect(report.errors).toEqual({ WORKER_LOST: expect.any(Number) });
    expect(report.criteria.map(({ name }) => name)).toContain('lost-in-time');
  }, 180_000);
});

describe('load', () => {
  it('runs on a store in memory, and on a temporary one', async () => {
    const [memory, temporary] = await Promise.all([load(...SHORT, '--store', 'memory:'), load(...SHORT)]);
    expect(memory.report.statuses).toEqual({ completed: 12 });
    expect(temporary.report.statuses).toEqual({ completed: 12 });
  });

  it('prints a table with a verdict for people', async () => {
    const { code, stdout } = await place.run(['load', ...SHORT, '--seed', '7', '--initiate-p99', '30s']);
    expect(stdout).toMatch(/^12 tasks: sleep, 100 ms to 300 ms each \(seed 7\)\n/);
    expect(stdout).toMatch(/\npolls per task +1 +1 +1\n/);
    expect(stdout).toMatch(/\n✓ every task ended: 12 of 12\n.*\nVerdict: passed\n$/);
    expect(code).toBe(0);
  });

  it('starts a server that the settings of this folder do not change', async () => {
    const settings = {
      server: { transport: 'stdio', worker: false },
      polling: { initialIntervalMs: 2000 },
    };
    await writeFile(join(place.home, 'mcp-await.config.json'), JSON.stringify(settings));
    const env = { MCP_AWAIT_STATE_PROVIDER: 'sqlite:/dev/null/none.db' };
    const flags = ['--tasks', '2', '--latency', '0s', ...PATIENT];
    const { code, stdout } = await place.start(['load', ...flags], { cwd: place.home, env }).finished;
    expect(JSON.parse(stdout)).toMatchObject({ passed: true, statuses: { completed: 2 } });
    expect(code).toBe(0);
  });

  it('fails on a limit that nobody could keep, with exit code 1', async () => {
    const { code, stdout } = await place.run([
      'load',
      '--tasks',
      '2',
      '--latency',
      '0s',
      '--initiate-p99',
      '1ms',
    ]);
    expect(stdout).toMatch(/✗ initiate p99 .* \(limit 1 ms\)\n[\s\S]*Verdict: failed\n$/);
    expect(code).toBe(1);
  });

  it('measures a server that runs already, which goes on', async () => {
    const server = place.start(['serve', '--http', '--offer-sleep', '--port', '0']);
    const [, url = ''] = await server.says(/Listening on (\S+)/);
    const { report, stderr } = await load(...SHORT, '--url', url);
    expect(report.statuses).toEqual({ completed: 12 });
    expect(startedPids(stderr)).toEqual([]);
    expect(isRunning(Number(server.process.pid))).toBe(true);
  });

  it('measures a tool of any server, also one that has nothing to poll', async () => {
    const flags = ['--tasks', '6', '--tool', 'greet', '--args', '{"name":"Ada"}'];
    const { report } = await load(...flags, '--', process.execPath, 'test/fixtures/server/slow-server.js');
    expect(report).toMatchObject({ tasks: 6, statuses: { completed: 6 }, pollsPerTask: { max: 0 } });
    expect(report.criteria.map(({ name }) => name)).toEqual(['all-ended', 'no-failures']);
  });

  it('runs a thousand tasks at once', async () => {
    const { report } = await load('--tasks', '1000', '--latency', '100ms-1s');
    expect(report.statuses).toEqual({ completed: 1000 });
  }, 300_000);

  it('ends with all it has started on Ctrl-C', async () => {
    const running = place.start(['load', '--tasks', '4', '--latency', '60s', '--workers', '2']);
    await running.says(/Started: front/);
    await running.says(/(?:Started: worker[\s\S]*){2}/);
    running.process.kill('SIGINT');
    const { code, stderr, stdout } = await running.finished;
    expect(code).toBe(130);
    expect(stdout).toBe('');
    expect(startedPids(stderr)).toHaveLength(3);
    expect(startedPids(stderr).filter(isRunning)).toEqual([]);
  });

  it('says why its server could not start', async () => {
    const { code, stderr } = await place.run(['load', '--store', 'sqlite:/dev/null/load.db']);
    expect(stderr).toMatch(/could not start: .*\/dev\/null/);
    expect(code).toBe(2);
  });

  it.each<[string, string[], RegExp]>([
    [
      'to kill a server that is not its own',
      ['--restart', '--url', 'http://127.0.0.1:9/mcp'],
      /only what load has started/,
    ],
    ['to kill a command', ['--restart', '--', 'node', 'x.js'], /only what load has started/],
    [
      'a store for a server that is named',
      ['--store', 'memory:', '--server', 'x'],
      /--store is for the server/,
    ],
    ['workers on a store in memory', ['--store', 'memory:', '--workers', '2'], /--workers needs another/],
    ['to restart a store in memory', ['--store', 'memory:', '--restart'], /--restart needs another/],
    ['to kill a front that runs the tasks', ['--restart', 'front'], /goes with --workers/],
    ['arguments of no tool', ['--args', '{}'], /--args goes with --tool/],
    ['a latency of a tool', ['--tool', 'x', '--latency', '1s'], /not for --tool/],
    ['a range that is none', ['--latency', '5s-1s'], /Expected a duration such as 2s/],
    ['no tasks', ['--tasks', '0'], /positive integer/],
  ])('refuses %s', async (_case, flags, message) => {
    const { code, stderr } = await place.run(['load', ...flags]);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});
