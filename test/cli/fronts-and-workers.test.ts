import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectHttp } from '../fixtures/server/connected-http.js';
import type { Caller } from '../fixtures/server/connected-tools.js';
import { type Command, newWorkplace, type Workplace } from './command.js';
import { describeOnSharedStores } from './shared-stores.js';

const LEASE_MS = 3000;
const FLAGS = ['--operations', 'test/fixtures/server/traced-operations.js', '--lease', `${LEASE_MS}ms`];
/** A process that was killed has a lease of its own to lose; the machine may be busy with others. */
const SLACK_MS = 500;

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

describeOnSharedStores('fronts and workers as processes of their own', storeFlags => {
  const flags = () => [...FLAGS, ...storeFlags(place)];

  async function connectFront(): Promise<Caller> {
    const front = place.start(['serve', '--http', '--offer-sleep', '--port', '0', '--no-worker', ...flags()]);
    return connectHttp((await front.says(/Listening on (\S+)/))[1] ?? '');
  }

  async function startWorker(env: Record<string, string> = {}, words = flags()): Promise<Command> {
    const worker = place.start(['worker', ...words], { env });
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

  /** Starts a task that leaves its trace under its own name, and waits until it runs. */
  async function begin(caller: Caller, operation: string, seconds = 60): Promise<string> {
    const { data } = await caller.initiate(operation, { file: traceFile(operation), seconds });
    await vi.waitFor(async () => expect(await words(operation)).toContain('began'), 60_000);
    return data.task_ref;
  }

  it('share the work: any front answers for any task, and tells its end at once whichever worker ran it', async () => {
    const [first, second] = await Promise.all([connectFront(), connectFront()]);
    await Promise.all([startWorker(), startWorker()]);
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
  });

  it('leave in the queue what no worker knows, until one is there that does', async () => {
    const caller = await connectFront();
    await startWorker({}, storeFlags(place));
    const file = traceFile('traced');
    const { data } = await caller.initiate('traced', { file, seconds: 0 });
    expect((await caller.resolve(data.task_ref, 1)).data.status).toBe('pending');
    await startWorker();
    expect((await caller.resolve(data.task_ref, 20)).data.status).toBe('completed');
  });

  it('reach a running task with a cancel through another front, within a second', async () => {
    const [first, second] = await Promise.all([connectFront(), connectFront()]);
    await startWorker();
    const taskRef = await begin(first, 'traced');
    const cancelledAt = Date.now();
    expect((await second.cancel(taskRef)).data.status).toBe('cancelled');
    await vi.waitFor(async () => expect(await words('traced')).toEqual(['began', 'stopped']), 5000);
    expect(((await trace('traced')).at(-1)?.at ?? 0) - cancelledAt).toBeLessThan(1000);
    expect((await first.resolve(taskRef)).data.status).toBe('cancelled');
  });

  it('tell the tasks of a worker that was killed as lost within the lease, also where none is left, and run again what may be', async () => {
    const caller = await connectFront();
    const worker = await startWorker();
    const [lost, repeated] = [await begin(caller, 'traced'), await begin(caller, 'repeated', 2)];
    worker.process.kill('SIGKILL');
    await worker.finished;
    const killedAt = Date.now();
    const ended = (await caller.resolve(lost, 20)).data;
    expect(Date.now() - killedAt).toBeLessThan(LEASE_MS + SLACK_MS);
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'WORKER_LOST', retryable: true } });
    await vi.waitFor(
      async () => expect((await caller.resolve(repeated)).data.status).toBe('pending'),
      LEASE_MS,
    );
    await startWorker();
    expect((await caller.resolve(repeated, 20)).data.status).toBe('completed');
    expect(await words('repeated')).toEqual(['began', 'began', 'ended']);
    expect(await words('traced')).toEqual(['began']);
  });

  it('drain on SIGTERM: what ends within the grace is kept, the rest is handed back or told as stopped', async () => {
    const caller = await connectFront();
    const worker = await startWorker({ MCP_AWAIT_EXECUTION_DRAIN_SECONDS: '3' });
    const [stopped, handedBack] = [await begin(caller, 'traced'), await begin(caller, 'repeated')];
    const short = (await caller.initiate('sleep', { seconds: 1 })).data.task_ref;
    await vi.waitFor(async () => expect((await caller.resolve(short)).data.status).toBe('processing'), 5000);
    worker.process.kill('SIGTERM');
    expect((await caller.resolve(short, 20)).data.status).toBe('completed');
    const late = (await caller.initiate('sleep', { seconds: 0 })).data.task_ref;
    expect((await worker.finished).code).toBe(0);
    const states = await Promise.all([stopped, handedBack, late].map(each => caller.resolve(each)));
    expect(states.map(({ data }) => data.status)).toEqual(['failed', 'pending', 'pending']);
    expect(states[0]?.data.error).toMatchObject({ code: 'WORKER_STOPPED', retryable: true });
    expect(await words('traced')).toEqual(['began', 'stopped']);
    await startWorker({ MCP_AWAIT_EXECUTION_DRAIN_SECONDS: '0' });
    expect((await caller.resolve(late, 20)).data.status).toBe('completed');
    await vi.waitFor(
      async () => expect(await words('repeated')).toEqual(['began', 'stopped', 'began']),
      60_000,
    );
  });
});
