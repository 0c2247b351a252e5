import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectHttp } from '../fixtures/server/connected-http.js';
import { parseExposition, sampleValue } from '../server/observability/exposition.js';
import { newWorkplace, type Running, type Workplace } from './command.js';

const SERVE = ['serve', '--http', '--offer-sleep', '--port', '0'];
const ADA = 'ada-has-a-long-token';

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

async function startHttp(server: Running) {
  const [, url = '', base = ''] = await server.says(/Listening on ((http:\/\/\S+)\/mcp)\n/);
  return { url, base };
}

async function scrape(base: string) {
  const samples = parseExposition(await (await fetch(`${base}/metrics`)).text());
  return (name: string, labels?: Record<string, string>) => sampleValue(samples, `mcp_await_${name}`, labels);
}

describe('a server whose tasks fail', () => {
  it('shows it in its metrics, warns once on standard error, and says nothing of what the tasks were given', async () => {
    const server = place.startHere(SERVE);
    const { url, base } = await startHttp(server);
    const caller = await connectHttp(url);
    for (let count = 0; count < 12; count++) {
      const { data } = await caller.initiate('hash_tree', { path: 'no-such-secret-file' });
      expect((await caller.resolve(data.task_ref, 10)).data.status).toBe('failed');
    }
    const value = await scrape(base);
    expect(value('tasks', { operation: 'hash_tree', status: 'failed' })).toBe(12);
    expect(value('task_failure_rate', { operation: 'hash_tree' })).toBe(1);
    expect(value('alert', { operation: 'hash_tree', alert: 'failure_rate' })).toBe(1);
    await server.says(/warn.*Too many tasks of an operation fail.*operation=hash_tree/);
    server.kill('SIGTERM');
    const { stderr } = await server.finished;
    expect(stderr.match(/Too many tasks/g)).toHaveLength(1);
    expect(stderr.match(/A task failed operation=hash_tree/g)).toHaveLength(12);
    expect(stderr).not.toContain('secret');
  });
});

describe('a server that drains on SIGTERM', () => {
  it('is not ready any more, finishes its task and ends', async () => {
    const server = place.start(SERVE);
    const { url, base } = await startHttp(server);
    const caller = await connectHttp(url);
    const { data } = await caller.initiate('sleep', { seconds: 1.5 });
    await vi.waitFor(async () =>
      expect((await caller.resolve(data.task_ref)).data.status).toBe('processing'),
    );
    expect((await fetch(`${base}/ready`)).status).toBe(200);
    server.process.kill('SIGTERM');
    const unready = await vi.waitFor(async () => {
      const response = await fetch(`${base}/ready`);
      expect(response.status).toBe(503);
      return response;
    });
    expect(await unready.json()).toEqual({ status: 'not_ready', reason: 'closing' });
    expect((await server.finished).code).toBe(0);
    const { stdout } = await place.run(['stats', '--json']);
    expect(JSON.parse(stdout).operations).toMatchObject([{ operation: 'sleep', completed: 1 }]);
  });
});

describe('a worker with --metrics-port', () => {
  it('tells what it has run, whether it is ready, and of its store', async () => {
    const { url } = await startHttp(place.startHere([...SERVE, '--no-worker']));
    const worker = place.start(['worker', '--metrics-port', '0']);
    const [, port] = await worker.says(/Metrics on port (\d+)\n/);
    const caller = await connectHttp(url);
    const { data } = await caller.initiate('sleep', { seconds: 0 });
    await caller.resolve(data.task_ref, 10);
    const base = `http://127.0.0.1:${port}`;
    const value = await scrape(base);
    expect(value('task_runs_total', { operation: 'sleep', outcome: 'completed' })).toBe(1);
    expect(value('tasks', { operation: 'sleep', status: 'completed' })).toBe(1);
    expect(value('tasks_initiated_total', { operation: 'sleep' })).toBeUndefined();
    expect(await (await fetch(`${base}/ready`)).json()).toEqual({ status: 'ready' });
    worker.process.kill('SIGTERM');
    expect((await worker.finished).code).toBe(0);
  });

  it('asks for a token where it is given some, and shows none', async () => {
    const file = join(place.home, 'tokens');
    await writeFile(file, `${ADA}\n`);
    const flags = ['--metrics-port', '0', '--metrics-host', '0.0.0.0', '--metrics-token-file', file];
    const worker = place.start(['worker', ...flags]);
    const [, port] = await worker.says(/Metrics on port (\d+)\n/);
    const url = `http://127.0.0.1:${port}/metrics`;
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url, { headers: { authorization: `Bearer ${ADA}` } })).status).toBe(200);
    worker.process.kill('SIGTERM');
    expect((await worker.finished).stderr).not.toContain(ADA);
  });

  it.each<[string, string[], RegExp]>([
    [
      'another address without a token',
      ['--metrics-port', '0', '--metrics-host', '0.0.0.0'],
      /Listening on 0\.0\.0\.0 without a token .* pass --metrics-token-file/,
    ],
    ['a host without a port', ['--metrics-host', '127.0.0.1'], /--metrics-host goes with --metrics-port/],
    ['a port that is none', ['--metrics-port', '65536'], /65536/],
  ])('refuses %s', async (_case, flags, message) => {
    const { code, stderr } = await place.run(['worker', ...flags]);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});
