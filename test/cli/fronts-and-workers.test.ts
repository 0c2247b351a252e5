import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectHttp } from '../fixtures/server/connected-http.js';
import type { Caller } from '../fixtures/server/connected-tools.js';
import { type Command, newWorkplace, type Workplace } from './command.js';
import { describeOnSharedStores } from './shared-stores.js';

const LEASE_MS = 3000;
const LEASE = ['--lease', `${LEASE_MS}ms`];
const OPERATIONS = ['--operations', 'test/fixtures/server/traced-operations.js'];
/** A process that was killed has a lease of its own to lose; the machine may be busy with others. */
const SLACK_MS = 500;

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

describeOnSharedStores('workers as processes of their own, behind fronts', storeFlags => {
  /** In this process: no front is killed here. */
  async function connectFront(flags: readonly string[]): Promise<Caller> {
    const [, url] = await place.serveHere('--offer-sleep', '--no-worker', ...flags);
    return connectHttp(url);
  }

  async function startWorker(flags: readonly string[], env: Record<string, string> = {}): Promise<Command> {
    const worker = place.start(['worker', ...flags], { env });
    await worker.says(/Working on .*\n/);
    return worker;
  }

  const traceFile = (name: string) => join(place.home, name);

  /** Words and times that a task left, such as `began` and `ended`. */
  async function trace(name: string): Promise<{ word: string; at: number }[]> {
    const text = await readFile(traceFile(name), 'utf8').catch(() => '');
    return [...text.matchAll(/(\w+) (\d+)\n/g)].map(([, word = '', at]) => ({ word, at: Number(at) }));
  }

  const words = async (name: string) => (await trace(name)).map(({ word }) => word);

  /** Starts a task that leaves its trace under its own name or the one given, and waits until it runs. */
  async function begin(caller: Caller, operation: string, { seconds = 60, name = operation } = {}) {
    const { data } = await caller.initiate(operation, { file: traceFile(name), seconds });
    await vi.waitFor(async () => expect(await words(name)).toContain('began'), 60_000);
    return data.task_ref;
  }

  it('leave in the queue what no worker knows, share the work, tell its end at once, and reach a running task with a cancel', async () => {
    const flags = [...OPERATIONS, ...storeFlags(place)];
    const starts = [connectFront(flags), connectFront(flags), startWorker(storeFlags(place))] as const;
    const [first, second] = await Promise.all(starts);
    const unknown = (await first.initiate('traced', { file: traceFile('unknown'), seconds: 0 })).data
      .task_ref;
    expect((await first.resolve(unknown, 1)).data.status).toBe('pending');
    await startWorker(flags);
    expect((await first.resolve(unknown, 20)).data.status).toBe('completed');

    // Any front answers for any task, whichever worker ran it.
    const started = await Promise.all(
      Array.from({ length: 6 }, () => first.initiate('sleep', { seconds: 1 })),
    );
    const waited = started.map(async ({ data }) => {
      const ended = await second.resolve(data.task_ref, 20);
      return { ...ended.data, lateMs: Date.now() - Date.parse(ended.data.updated_at) };
    });
    for (const { status, result, lateMs } of await Promise.all(waited)) {
      expect({ status, result }).toEqual({ status: 'completed', result: { slept_seconds: 1 } });
      expect(lateMs).toBeLessThan(1000);
    }

    const running = await begin(first, 'traced');
    const cancelledAt = Date.now();
    expect((await second.cancel(running)).data.status).toBe('cancelled');
    await vi.waitFor(async () => expect(await words('traced')).toEqual(['began', 'stopped']), 5000);
    expect(((await trace('traced')).at(-1)?.at ?? 0) - cancelledAt).toBeLessThan(1000);
    expect((await first.resolve(running)).data.status).toBe('cancelled');
  });

  it('tell the tasks of a worker that was killed as lost within the lease, also where none is left, run again what may be, and drain on SIGTERM', async () => {
    const flags = [...OPERATIONS, ...LEASE, ...storeFlags(place)];
    const [caller, killed] = await Promise.all([connectFront(flags), startWorker(flags)]);
    const [lost, repeated] = [await begin(caller, 'traced'), await begin(caller, 'repeated', { seconds: 2 })];
    killed.process.kill('SIGKILL');
    await killed.finished;
    const killedAt = Date.now();
    const ended = (await caller.resolve(lost, 20)).data;
    expect(Date.now() - killedAt).toBeLessThan(LEASE_MS + SLACK_MS);
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'WORKER_LOST', retryable: true } });
    await vi.waitFor(
      async () => expect((await caller.resolve(repeated)).data.status).toBe('pending'),
      LEASE_MS,
    );
    const drained = await startWorker(flags, { MCP_AWAIT_EXECUTION_DRAIN_SECONDS: '3' });
    expect((await caller.resolve(repeated, 20)).data.status).toBe('completed');
    expect(await words('repeated')).toEqual(['began', 'began', 'ended']);
    expect(await words('traced')).toEqual(['began']);

    // What ends within the grace is kept, the rest is handed back or told as stopped.
    const stopped = await begin(caller, 'traced', { name: 'stopped' });
    const handedBack = await begin(caller, 'repeated', { name: 'handed back' });
    const short = (await caller.initiate('sleep', { seconds: 1 })).data.task_ref;
    await vi.waitFor(async () => expect((await caller.resolve(short)).data.status).toBe('processing'), 5000);
    drained.process.kill('SIGTERM');
    expect((await caller.resolve(short, 20)).data.status).toBe('completed');
    const late = (await caller.initiate('sleep', { seconds: 0 })).data.task_ref;
    expect((await drained.finished).code).toBe(0);
    const states = await Promise.all([stopped, handedBack, late].map(each => caller.resolve(each)));
    expect(states.map(({ data }) => data.status)).toEqual(['failed', 'pending', 'pending']);
    expect(states[0]?.data.error).toMatchObject({ code: 'WORKER_STOPPED', retryable: true });
    expect(await words('stopped')).toEqual(['began', 'stopped']);
    await startWorker(flags, { MCP_AWAIT_EXECUTION_DRAIN_SECONDS: '0' });
    expect((await caller.resolve(late, 20)).data.status).toBe('completed');
    await vi.waitFor(
      async () => expect(await words('handed back')).toEqual(['began', 'stopped', 'began']),
      60_000,
    );
  });
});
