import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openEngine } from '../../src/engine/open-engine.js';
import { startWorker, type WorkerProcessOptions } from '../../src/server/start-worker.js';
import { echo, heldOperation } from '../fixtures/server/test-operations.js';
import { parseExposition, sampleValue } from './observability/exposition.js';

const ADA = 'ada-has-a-long-token';

async function newStore(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-await-worker-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return `sqlite:${join(folder, 'tasks.db')}`;
}

async function start(options: Partial<WorkerProcessOptions> = {}) {
  const store = options.store ?? (await newStore());
  const worker = await startWorker({ operations: [echo], probes: { port: 0 }, ...options, store });
  onTestFinished(() => worker.close());
  return { worker, store, base: `http://127.0.0.1:${worker.port}` };
}

describe('the probes of a worker', () => {
  test('tell that it is alive and ready, and what it runs', async () => {
    const held = heldOperation();
    const { worker, store, base } = await start({ operations: [held.operation] });
    const engine = await openEngine(store);
    onTestFinished(() => engine.close());
    const task = { owner: 'local', operation: 'held', parameters: {}, slaMs: 5000, ttlMs: 60_000 };
    await engine.submit({ ...task, taskRef: 'task_1' });
    await vi.waitFor(() => expect(held.runs).toHaveLength(1));
    expect((await fetch(`${base}/health`)).status).toBe(200);
    expect((await fetch(`${base}/ready`)).status).toBe(200);
    const samples = parseExposition(await (await fetch(`${base}/metrics`)).text());
    expect(sampleValue(samples, 'mcp_await_tasks', { operation: 'held', status: 'processing' })).toBe(1);
    const closed = worker.close(5000);
    for (const path of ['/ready', '/health']) {
      const response = await fetch(`${base}${path}`);
      expect(response.status).toBe(503);
      await response.text();
    }
    held.release();
    await closed;
    await expect(fetch(`${base}/health`)).rejects.toThrow('fetch failed');
    expect(await engine.find('task_1')).toMatchObject({ status: 'completed' });
  });

  test('serve nothing else, and no stranger', async () => {
    const { base } = await start({ probes: { port: 0, tokens: [ADA] } });
    expect((await fetch(`${base}/mcp`, { method: 'POST', body: '{}' })).status).toBe(404);
    expect((await fetch(`${base}/metrics`)).status).toBe(401);
    const headers = { authorization: `Bearer ${ADA}` };
    expect((await fetch(`${base}/metrics`, { headers })).status).toBe(200);
    expect((await fetch(`${base}/ready`)).status).toBe(200);
  });

  test.each<[string, WorkerProcessOptions['probes'], string]>([
    ['an address that all can reach, without a token', { host: '0.0.0.0', port: 0 }, 'without a token'],
    ['a port that is none', { port: 65_536 }, 'Expected `port`'],
  ])('refuse %s, and leave the store closed', async (_case, probes, message) => {
    await expect(start({ probes })).rejects.toThrow(message);
  });

  test('are not there unless they are asked for', async () => {
    const { worker } = await start({ probes: undefined });
    expect(worker.port).toBeUndefined();
  });
});
