import { request as nodeRequest } from 'node:http';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { defineOperation, OperationError } from '../../../src/server/operation.js';
import { type RunningServer, type ServerOptions, startServer } from '../../../src/server/start-server.js';
import { connectHttp } from '../../fixtures/server/connected-http.js';
import { echo, heldOperation } from '../../fixtures/server/test-operations.js';
import { parseExposition, sampleValue } from '../observability/exposition.js';

const ADA = 'ada-has-a-long-token';

async function start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await startServer({ operations: [echo], store: 'memory:', http: { port: 0 }, ...options });
  onTestFinished(() => server.close());
  return server;
}

const at = (server: RunningServer, path: string) => new URL(path, server.url).href;

function statusOf(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = nodeRequest(url, { headers }, response => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once('error', reject).end();
  });
}

const fail = defineOperation({
  name: 'fail',
  description: 'Fails.',
  input: z.object({}),
  slaSeconds: 10,
  async run() {
    throw new OperationError('OVEN_COLD', 'The oven of customer 42 is cold');
  },
});

describe('/metrics', () => {
  test('tells of tasks, runs, calls and requests, and of the alert that they raise', async () => {
    const log = vi.fn();
    const server = await start({ operations: [echo, fail], onLog: log });
    const caller = await connectHttp(server.url ?? '');
    for (let count = 0; count < 10; count++) {
      const { data } = await caller.initiate('fail');
      await caller.resolve(data.task_ref, 5);
    }
    const response = await fetch(at(server, '/metrics'));
    expect(response.headers.get('content-type')).toContain('version=0.0.4');
    const samples = parseExposition(await response.text());
    const value = (name: string, labels?: Record<string, string>) =>
      sampleValue(samples, `mcp_await_${name}`, labels);
    expect(value('tasks', { operation: 'fail', status: 'failed' })).toBe(10);
    expect(value('tasks_initiated_total', { operation: 'fail' })).toBe(10);
    expect(value('task_runs_total', { operation: 'fail', outcome: 'failed' })).toBe(10);
    expect(value('task_failure_rate', { operation: 'fail' })).toBe(1);
    expect(value('alert', { operation: 'fail', alert: 'failure_rate' })).toBe(1);
    expect(value('tool_calls_total', { tool: 'resolve_task_status', outcome: 'ok' })).toBe(10);
    expect(value('initiate_duration_seconds_count')).toBe(10);
    expect(value('http_requests_total', { endpoint: '/mcp', code: '200' })).toBeGreaterThan(20);
    const warnings = log.mock.calls.map(([entry]) => entry).filter(entry => entry.level === 'warn');
    expect(warnings.filter(({ message }) => message === 'A task failed')).toHaveLength(10);
    expect(warnings.filter(({ fields }) => fields.alert === 'failure_rate')).toHaveLength(1);
    expect(JSON.stringify(log.mock.calls)).not.toContain('customer 42');
  });

  test('takes any of the tokens, from whatever name it is called by, where there are tokens', async () => {
    const server = await start({ http: { port: 0, tokens: [`ada=${ADA}`] } });
    const url = at(server, '/metrics');
    const authorization = `Bearer ${ADA}`;
    expect(await statusOf(url, {})).toBe(401);
    expect(await statusOf(url, { authorization: 'Bearer eve-has-a-long-token' })).toBe(401);
    expect(await statusOf(url, { authorization })).toBe(200);
    expect(await statusOf(url, { authorization, host: '10.0.0.7:3000' })).toBe(200);
  });

  test.each([{ host: 'evil.example' }, { origin: 'http://evil.example' }])(
    'without tokens refuses %j',
    async headers => {
      expect(await statusOf(at(await start(), '/metrics'), headers as Record<string, string>)).toBe(403);
    },
  );

  test('counts paths that nobody knows as one', async () => {
    const server = await start();
    await Promise.all(['/a', '/b', '/c?d'].map(path => fetch(at(server, path))));
    const samples = parseExposition(await (await fetch(at(server, '/metrics'))).text());
    expect(sampleValue(samples, 'mcp_await_http_requests_total', { endpoint: 'other', code: '404' })).toBe(3);
  });
});

describe('/ready', () => {
  test('is open to a probe that calls by address and has no token', async () => {
    const server = await start({ http: { port: 0, tokens: [ADA] } });
    expect(await statusOf(at(server, '/ready'), { host: '10.0.0.7' })).toBe(200);
    expect(await (await fetch(at(server, '/ready'))).json()).toEqual({ status: 'ready' });
  });

  test('turns 503 as soon as the server begins to close, and stays so while a task drains', async () => {
    const held = heldOperation();
    const server = await start({ operations: [held.operation] });
    const caller = await connectHttp(server.url ?? '');
    await caller.initiate('held');
    await vi.waitFor(() => expect(held.runs).toHaveLength(1));
    const closed = server.close(5000);
    const response = await fetch(at(server, '/ready'));
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ status: 'not_ready', reason: 'closing' });
    expect((await fetch(at(server, '/metrics'))).status).toBe(200);
    held.release();
    await closed;
    await expect(fetch(at(server, '/ready'))).rejects.toThrow('fetch failed');
  });
});

test.each(['/metrics', '/ready', '/health'])('%s takes only GET and HEAD', async path => {
  const server = await start();
  expect((await fetch(at(server, path), { method: 'POST' })).status).toBe(405);
  expect((await fetch(at(server, path), { method: 'HEAD' })).status).toBe(200);
});
