import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AwaitClient } from '../../src/client/await-client.js';
import { connectHttp } from '../fixtures/server/connected-http.js';
import { newWorkplace, type Running, type Workplace } from './command.js';
import { describeOnServers } from './shared-stores.js';

/** Longer than a request waits for the store, and than the task that runs meanwhile. */
const OUTAGE_MS = 12_000;
/** Of which half must be longer than the outage for a running task to live through it. */
const LEASE = ['--lease', '120s'];

let place: Workplace;
beforeEach(async () => {
  place = await newWorkplace();
});
afterEach(() => place.remove());

const sleepCall = (seconds: number) => ({
  name: 'initiate_background_task',
  arguments: { operation_type: 'sleep', parameters: { seconds } },
});

describeOnServers('a store that is killed while tasks run and callers wait', (storeFlags, service) => {
  const flags = () => [...LEASE, ...storeFlags(place)];

  /** In this process: only the store is killed. */
  async function startFront() {
    const [, url] = await place.serveHere('--offer-sleep', '--no-worker', ...flags());
    return { url, base: new URL(url).origin };
  }

  const worker = () => ['worker', '--concurrency', '2', ...flags()];

  async function working<Started extends Running>(started: Started): Promise<Started> {
    await started.says(/Working on .*\n/);
    return started;
  }

  it('and started again at once: everybody goes on, and what was acknowledged ends', async () => {
    const { url } = await startFront();
    await Promise.all([working(place.startHere(worker())), working(place.startHere(worker()))]);
    const client = await AwaitClient.connect(url);
    const tasks = await Promise.all(Array.from({ length: 8 }, () => client.startTool(sleepCall(6))));
    const results = Promise.all(tasks.map(task => task.result()));
    // Without it a failure before they are awaited would be told as eight more.
    results.catch(() => undefined);
    // Four of them run when the store dies, the others wait in the queue. A claim on its way would cost its task.
    const running = () => tasks.filter(({ snapshot }) => snapshot.progress !== undefined);
    await vi.waitFor(() => expect(running()).toHaveLength(4), 20_000);
    await service().kill();
    await service().start();
    for (const result of await results) {
      expect(result.structuredContent).toEqual({ slept_seconds: 6 });
    }
    const later = await client.callTool(sleepCall(0));
    expect(later.structuredContent).toEqual({ slept_seconds: 0 });
    await client.close();
  });

  it('and stays away: callers are told so in time, probes say so, and workers come back by themselves', async () => {
    const { url, base } = await startFront();
    await working(place.startHere(worker()));
    const caller = await connectHttp(url);
    expect((await fetch(`${base}/ready`)).status).toBe(200);
    const running = (await caller.initiate('sleep', { seconds: 6 })).data.task_ref;
    await vi.waitFor(
      async () => expect((await caller.resolve(running)).data.status).toBe('processing'),
      5000,
    );
    const idle = await working(place.start(worker()));
    const killedAt = performance.now();
    await service().kill();
    const refused = await caller.initiate('sleep', { seconds: 0 });
    expect(refused.data.error).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    expect(performance.now() - killedAt).toBeLessThan(12_000);
    await vi.waitFor(async () => expect((await fetch(`${base}/ready`)).status).toBe(503), 5000);
    // One that is stopped meanwhile ends all the same.
    idle.process.kill('SIGTERM');
    expect((await idle.finished).code).toBe(0);
    await new Promise(resolve => setTimeout(resolve, OUTAGE_MS - (performance.now() - killedAt)));
    await service().start();
    await vi.waitFor(async () => expect((await fetch(`${base}/ready`)).status).toBe(200), 10_000);
    expect((await caller.resolve(running, 20)).data).toMatchObject({ status: 'completed', error: null });
    const { data } = await caller.initiate('sleep', { seconds: 0 });
    expect((await caller.resolve(data.task_ref, 20)).data.status).toBe('completed');
  });
});
