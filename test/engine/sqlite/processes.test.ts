import { execFile, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openEngine } from '../../../src/engine/open-engine.js';
import type { TaskRecord } from '../../../src/engine/task-record.js';
import { newTask, until } from '../engine-store.js';
import { PROMPT_MS } from '../scripted.js';
import { EngineProcess, fixture } from './engine-process.js';
import { createFolder } from './sqlite-store.js';

const LEASE_MS = 1000;

let folder: string;
let url: string;
let processes: EngineProcess[];

beforeEach(async () => {
  folder = await createFolder();
  url = `sqlite:${join(folder, 'tasks.db')}`;
  processes = [];
});

afterEach(async () => {
  await Promise.all(processes.map(process => process.kill()));
  await rm(folder, { recursive: true });
});

async function start(leaseMs = LEASE_MS): Promise<EngineProcess> {
  const process = new EngineProcess(url, leaseMs);
  processes.push(process);
  return process.ready();
}

const forever = (overrides = {}) => newTask({ parameters: { forever: true }, ...overrides });

describe('a process that dies', () => {
  test('leaves a task that may be run again to another worker, which runs it once more, and no other', async () => {
    const first = await start();
    await first.work();
    const again = (await first.submit(forever({ retryAttempts: 1 }))).record.taskRef;
    const once = (await first.submit(forever())).record.taskRef;
    await Promise.all([first.seen('started', again), first.seen('started', once)]);
    const others = [await start(), await start()];
    await Promise.all(others.map(other => other.work()));
    await first.kill();
    const starts = () => others.flatMap(other => other.events.filter(seen => seen.event === 'started'));
    await until(() => starts().length > 0);
    expect(await others[0]?.wait(once, 20_000)).toMatchObject({
      error: { code: 'WORKER_LOST' },
      runCount: 1,
    });
    expect(starts()).toMatchObject([{ taskRef: again, runCount: 2 }]);
    // The second worker dies, too: now the task has used up its runs.
    const [second, last] = others[0]?.events.includes(starts()[0] as never) ? others : others.toReversed();
    await second?.kill();
    const lost = await last?.wait(again, 20_000);
    expect(lost).toMatchObject({ status: 'failed', error: { code: 'WORKER_LOST' }, runCount: 2 });
    expect(starts()).toHaveLength(1);
  });

  test('is told of by whoever failed its task, once', async () => {
    const worker = await start();
    await worker.work();
    const { taskRef } = (await worker.submit(forever())).record;
    await worker.seen('started', taskRef);
    const lost: TaskRecord[] = [];
    const observers = await Promise.all(
      [1, 2, 3].map(() => openEngine(url, { leaseMs: LEASE_MS, onLost: record => lost.push(record) })),
    );
    await worker.kill();
    await until(() => lost.length > 0);
    expect(lost).toMatchObject([{ taskRef, error: { code: 'WORKER_LOST' } }]);
    await Promise.all(observers.map(observer => observer.close()));
    expect(lost).toHaveLength(1);
  });

  test('leaves its running task failed as lost within the lease', async () => {
    const [worker, observer] = [await start(), await start()];
    await worker.work();
    const { taskRef } = (await worker.submit(forever())).record;
    await worker.seen('started', taskRef);
    const wait = observer.wait(taskRef, 20_000);
    const killedAt = Date.now();
    await worker.kill();
    const record = await wait;
    expect(record).toMatchObject({ status: 'failed', error: { code: 'WORKER_LOST', retryable: true } });
    expect(Date.now() - killedAt).toBeLessThan(LEASE_MS * 3);
  });

  test('leaves its queued tasks to the next worker, which does not run the lost one again', async () => {
    const [first, second] = [await start(), await start()];
    await first.work(1);
    const running = (await first.submit(forever())).record.taskRef;
    const queued = (await first.submit(newTask())).record.taskRef;
    await first.seen('started', running);
    await second.work(1);
    await first.kill();
    expect(await second.wait(queued, 20_000)).toMatchObject({ status: 'completed' });
    expect(await second.wait(running, 20_000)).toMatchObject({ error: { code: 'WORKER_LOST' } });
    expect(second.events.filter(seen => seen.event === 'started').map(seen => seen.taskRef)).toEqual([
      queued,
    ]);
  });

  test('is found out by processes that are each too short-lived to wait for it', async () => {
    const worker = await start(100);
    await worker.work();
    const { taskRef } = (await worker.submit(forever())).record;
    await worker.seen('started', taskRef);
    await worker.kill();
    await until(async () => {
      const engine = await openEngine(url, { leaseMs: 100 });
      const record = await engine.find(taskRef);
      await engine.close();
      return record?.error?.code === 'WORKER_LOST';
    });
  });

  test('loses no task whose submit had returned', async () => {
    const refs: string[] = [];
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, [fixture('submit-and-die.js'), url, '20']);
      let output = '';
      child.stdout.on('data', chunk => {
        output += chunk;
      });
      const signal = await new Promise(resolve => child.on('close', (_code, name) => resolve(name)));
      expect(signal).toBe('SIGKILL');
      refs.push(...output.trim().split('\n'));
    }
    expect(refs).toHaveLength(60);
    const engine = await openEngine(url);
    for (const taskRef of refs) expect(await engine.find(taskRef)).toMatchObject({ status: 'pending' });
    await engine.close();
  });
});

describe('a process that lives', () => {
  test('keeps its task however long it runs, over many leases', async () => {
    const [worker, observer] = [await start(300), await start(300)];
    await worker.work();
    const { taskRef } = (await worker.submit(newTask({ parameters: { ms: 1500 } }))).record;
    expect(await observer.wait(taskRef, 20_000)).toMatchObject({ status: 'completed' });
  });

  test('that was blocked for longer than its lease sees its lost task abort and goes on with others', async () => {
    const [worker, observer] = [await start(300), await start(300)];
    await worker.work();
    const { taskRef } = (await worker.submit(forever())).record;
    await worker.seen('started', taskRef);
    const blocked = worker.block(1500);
    expect(await observer.wait(taskRef, 20_000)).toMatchObject({ error: { code: 'WORKER_LOST' } });
    await blocked;
    await worker.seen('aborted', taskRef);
    const next = (await worker.submit(newTask({ parameters: { ms: 600 } }))).record.taskRef;
    expect(await observer.wait(next, 20_000)).toMatchObject({ status: 'completed' });
  });

  test('that was blocked for longer than its lease drops its run of a task that is run again, and may do so itself', async () => {
    const worker = await start(300);
    const engine = await openEngine(url, { leaseMs: 300 });
    await worker.work();
    const { taskRef } = (await worker.submit(newTask({ parameters: { ms: 1000 }, retryAttempts: 1 }))).record;
    await worker.seen('started', taskRef);
    await worker.block(900);
    await worker.seen('aborted', taskRef);
    const end = await engine.waitForEnd(taskRef, { timeoutMs: 20_000 });
    expect(end).toMatchObject({ status: 'completed', runCount: 2, result: { by: worker.pid } });
    const starts = worker.events.filter(seen => seen.event === 'started');
    expect(starts.map(seen => seen.runCount)).toEqual([1, 2]);
    await engine.close();
  });

  test('keeps the tasks that it took in, even when its worker has no room and another has', async () => {
    const [full, free] = [await start(), await start()];
    await full.work(1);
    await free.work(1);
    const running = (await full.submit(newTask({ parameters: { ms: 300 } }))).record.taskRef;
    const queued = (await full.submit(newTask())).record.taskRef;
    await full.seen('started', running);
    expect(await free.wait(queued, 20_000)).toMatchObject({ result: { by: full.pid } });
  });

  test('finishes what it owes', async () => {
    const worker = await start();
    await worker.work(1);
    const tasks = [1, 2, 3].map(() => newTask({ parameters: { ms: 50 } }));
    await worker.submitMany(tasks);
    await worker.finish();
    const engine = await openEngine(url);
    for (const { taskRef } of tasks)
      expect(await engine.find(taskRef)).toMatchObject({ status: 'completed' });
    await engine.close();
  });
});

describe('several processes', () => {
  test('open a store that does not exist yet at the same moment', async () => {
    await Promise.all([start(), start(), start(), start()]);
  });

  test('get one task for one idempotency key', async () => {
    const all = await Promise.all([start(), start(), start()]);
    for (let round = 0; round < 10; round++) {
      const idempotencyKey = `order-${round}`;
      const answers = await Promise.all(all.map(one => one.submit(newTask({ idempotencyKey }))));
      expect(answers.filter(answer => answer.created)).toHaveLength(1);
      expect(new Set(answers.map(answer => answer.record.taskRef)).size).toBe(1);
    }
  });

  test('cancel a task that another one runs, and its signal aborts promptly', async () => {
    const [worker, other] = [await start(), await start()];
    await worker.work();
    const { taskRef } = (await worker.submit(forever())).record;
    await worker.seen('started', taskRef);
    const cancelledAt = Date.now();
    expect(await other.cancel(taskRef)).toMatchObject({ status: 'cancelled' });
    const { at } = await worker.seen('aborted', taskRef);
    expect((at ?? 0) - cancelledAt).toBeLessThan(PROMPT_MS);
    const record = await other.wait(taskRef, 0);
    expect(record).toMatchObject({ status: 'cancelled', error: { code: 'CANCELLED' } });
    expect(record).not.toHaveProperty('result');
  });

  test('submit and run a thousand tasks at once: each runs once and ends', async () => {
    const all = await Promise.all([start(30_000), start(30_000), start(30_000)]);
    await Promise.all(all.map(one => one.work(8)));
    const tasks = all.map(() => Array.from({ length: 333 }, () => newTask()));
    await Promise.all(all.map((one, index) => one.submitMany(tasks[index] ?? [])));
    const engine = await openEngine(url);
    const records = await Promise.all(
      tasks.flat().map(({ taskRef }) => engine.waitForEnd(taskRef, { timeoutMs: 20_000 })),
    );
    await engine.close();
    expect(records.every(record => record?.status === 'completed')).toBe(true);
    const started = () => all.flatMap(one => one.events.filter(seen => seen.event === 'started'));
    // A message of another process may come later than what it has stored.
    await until(() => started().length >= 999);
    expect(started()).toHaveLength(999);
    expect(new Set(started().map(seen => seen.taskRef)).size).toBe(999);
  });
});

describe('the process of an engine', () => {
  const run = promisify(execFile);

  test.each(['nothing', 'worker', 'submit', 'worker and submit'])('ends by itself with: %s', async what => {
    await run(process.execPath, [fixture('idle.js'), url, what], { timeout: 60_000 });
  });

  test('lives until a wait has ended', async () => {
    const { stdout } = await run(process.execPath, [fixture('idle.js'), url, 'submit wait'], {
      timeout: 60_000,
    });
    expect(stdout).toBe('waited');
  });

  test('lives until what it runs has ended', async () => {
    const { stdout } = await run(process.execPath, [fixture('busy.js'), url], { timeout: 60_000 });
    expect(stdout).toBe('done');
    const engine = await openEngine(url);
    expect(await engine.find('task_1')).toMatchObject({ status: 'completed' });
    await engine.close();
  });
});
